#include "scenarios/format/trace/text_tokens.h"

#include "base/data_folder.h"
#include "hardware/read/profile_reader.h"

namespace moesim {
namespace {

const ProfileKey<TextTokens>& characters_key() {
  static const ProfileKey<TextTokens> kKey = uncertain(
      Enters::kTime, key(&TextTokens::characters_per_token, "characters_per_token",
                         form::Number{0.1, 100}, kRequired, "Characters of text per token"));
  return kKey;
}

}  // namespace

TextTokens text_tokens(const Variation& variation) {
  const std::string path = data_folder("sim/deployment") + "/text_tokens.yaml";
  Faults faults;
  TextTokens tokens;
  if (auto reader = ProfileReader::open({"deployment", "text_tokens", path, variation}, faults)) {
    reader->read(characters_key(), tokens);
    for (const Fact& fact : reader->finish()) tokens.source = fact.source;
  }
  faults.throw_if_any();
  return tokens;
}

}  // namespace moesim
