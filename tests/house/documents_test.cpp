// Documents and comments name only files of the project and sections of pages that exist.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// Names that begin so are files of the project; others are the reader's own.
const std::set<std::string> kFolders = {"base",    "cmake",     "docs", "hardware", "models",
                                        "reports", "scenarios", "sim",  "tests"};

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> documents() {
  std::vector<fs::path> found;
  for (const fs::path folder : {".", "docs", "hardware/profiles", "hardware/measure"}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".md") found.push_back(entry.path().lexically_normal());
    }
  }
  for (const auto& entry : fs::recursive_directory_iterator("tests")) {
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  }
  return found;
}

std::vector<fs::path> sources() {
  std::vector<fs::path> found;
  for (const std::string& folder : kFolders) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const std::string extension = entry.path().extension();
      if (extension == ".h" || extension == ".cpp" || extension == ".py") {
        found.push_back(entry.path());
      }
    }
  }
  return found;
}

std::vector<std::smatch> matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::smatch> found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
    found.push_back(*at);
  }
  return found;
}

// Whether a file or folder matches a name in which `*` and words in capitals stand for anything.
bool exists(const std::string& name) {
  if (fs::exists(name)) return true;
  std::string pattern = std::regex_replace(name, std::regex("[.+()\\[\\]]"), "\\$&");
  pattern = std::regex_replace(pattern, std::regex("\\*|\\b[A-Z]{3,}\\b"), "[^/]*");
  if (pattern == std::regex_replace(name, std::regex("[.+()\\[\\]]"), "\\$&")) return false;
  const fs::path folder = fs::path(name).parent_path();
  if (!fs::is_directory(folder)) return false;
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(),
                     [&](const fs::directory_entry& entry) {
                       return std::regex_match(entry.path().string(), std::regex(pattern));
                     });
}

std::set<std::string> sections(const fs::path& page) {
  const std::string text = text_of(page);
  std::set<std::string> found;
  for (const std::smatch& head : matches(text, std::regex("\n## ([^\n]+)"))) {
    found.insert(head[1]);
  }
  return found;
}

// As Markdown viewers make it: lower case, spaces as hyphens, no other signs.
std::string anchor_of(const std::string& section) {
  std::string anchor;
  for (const char c : section) {
    if (c == ' ') anchor += '-';
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_') {
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return anchor;
}

TEST(Documents, NameOnlyFilesThatExist) {
  const std::regex name("(?:^|[\\s`(:])((\\w+)/[\\w./*-]+\\.[a-z]{1,4})(?![\\w/])");
  std::size_t seen = 0;
  for (const fs::path& page : documents()) {
    const std::string text = text_of(page);
    for (const std::smatch& found : matches(text, name)) {
      if (!kFolders.contains(found[2])) continue;
      ++seen;
      EXPECT_TRUE(exists(found[1])) << page << " names " << found[1];
    }
  }
  EXPECT_GT(seen, 100u);
}

TEST(Documents, NameOnlySourcesThatExistWhereTheyGiveNoFolder) {
  std::set<std::string> known = {"llama.cpp"};  // An engine.
  for (const fs::path& source : sources()) known.insert(source.filename());
  const std::regex name("[\\s`(](\\w+\\.(?:h|cpp|py))(?![\\w/])");
  for (const fs::path& page : documents()) {
    const std::string text = text_of(page);
    for (const std::smatch& found : matches(text, name)) {
      EXPECT_TRUE(known.contains(found[1])) << page << " names " << found[1];
    }
  }
}

TEST(Documents, LinkOnlyToPagesAndSectionsThatExist) {
  for (const fs::path& page : documents()) {
    const std::string text = text_of(page);
    for (const std::smatch& link :
         matches(text, std::regex("\\]\\(((?!https?:)[^)#]*)(#[^)]*)?\\)"))) {
      const fs::path target = link[1].length() == 0 ? page : page.parent_path() / link[1].str();
      EXPECT_TRUE(fs::exists(target)) << page << " links to " << link[1];
      if (!link[2].matched || !fs::exists(target)) continue;
      const std::set<std::string> heads = sections(target);
      EXPECT_TRUE(std::any_of(
          heads.begin(), heads.end(),
          [&](const std::string& head) { return "#" + anchor_of(head) == link[2].str(); }))
          << page << " links to " << link[0];
    }
  }
}

TEST(Comments, CiteOnlySectionsThatExist) {
  const std::regex citation("(docs/\\w+\\.md),(?:\\s|//)*\"([^\"]+)\"(?: and \"([^\"]+)\")?");
  std::size_t seen = 0;
  for (const fs::path& source : sources()) {
    const std::string text = text_of(source);
    for (const std::smatch& found : matches(text, citation)) {
      ++seen;
      const std::set<std::string> heads = sections(found[1].str());
      EXPECT_TRUE(heads.contains(found[2])) << source << " cites " << found[0];
      EXPECT_TRUE(!found[3].matched || heads.contains(found[3])) << source << " cites " << found[0];
    }
  }
  EXPECT_GT(seen, 40u);
}

TEST(Comments, SendNobodyToAFolderOutsideTheProject) {
  for (const fs::path& source : sources()) {
    if (source.string().starts_with("tests/")) continue;
    EXPECT_EQ(text_of(source).find("../shared"), std::string::npos) << source;
  }
}

}  // namespace
