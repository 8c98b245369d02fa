#include "models/config/config_families.h"

#include <algorithm>

namespace moesim {

std::vector<Family> all_families() {
  std::vector<Family> all;
  for (const auto& group : {dense_families(), moe_families(), latent_families(), hybrid_families(),
                            block_families(), sparse_families(), windowed_families()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  std::sort(all.begin(), all.end(),
            [](const Family& a, const Family& b) { return a.architecture < b.architecture; });
  return all;
}

std::vector<AttentionSpec> repeat_attention(const AttentionSpec& attention,
                                            const std::vector<std::int64_t>& windows) {
  std::vector<AttentionSpec> blocks(windows.size(), attention);
  for (std::size_t i = 0; i < windows.size(); ++i) blocks[i].window = windows[i];
  return blocks;
}

}  // namespace moesim
