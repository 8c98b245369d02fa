#include "base/text_guard.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

#include "base/input_error.h"

namespace moesim {
namespace {

constexpr int kMaxDepth = 50;
constexpr const char* kPlainWriting =
    "text without characters that turn the direction of writing expected";

[[noreturn]] void refuse(const std::string& name, int line, const std::string& value,
                         const std::string& allowed) {
  throw InputError({{name, line, "", value, allowed}});
}

// Bytes of the UTF-8 character that starts at `at`; 0 if there is none. Source: RFC 3629 section 4.
std::size_t utf8_length(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7F;
}

// The code of the character of `length` bytes at `at`. Source: RFC 3629 section 3.
unsigned code_of(const std::string& text, std::size_t at, std::size_t length) {
  const unsigned first = static_cast<unsigned char>(text[at]);
  unsigned code = length == 1 ? first : first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    code = code << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  return code;
}

// Characters that turn the direction of writing, so that a name reads as another one. Source:
// Unicode Standard Annex 9, property Bidi_Control.
bool turns_writing(unsigned code) {
  return code == 0x61C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

// In valid UTF-8.
bool has_turned_writing(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = std::max<std::size_t>(1, utf8_length(text, at));
    if (turns_writing(code_of(text, at, length))) return true;
    at += length;
  }
  return false;
}

void refuse_binary(const std::string& text, const std::string& name, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    refuse(name, 0, fmt::format("{} bytes", text.size()),
           fmt::format("a file of at most {} bytes expected", max_bytes));
  }
  int line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) refuse(name, line, "", "not UTF-8; save the file as UTF-8 text");
    if (is_control(text[at])) {
      refuse(name, line, fmt::format("byte 0x{:02x}", static_cast<unsigned char>(text[at])),
             "text without control characters expected");
    }
    if (turns_writing(code_of(text, at, length))) {
      refuse(name, line, fmt::format("U+{:04X}", code_of(text, at, length)), kPlainWriting);
    }
    if (text[at] == '\n') ++line;
    at += length;
  }
}

// Walks over the document without building it, and ends at the first part that is refused.
class Guard : public YAML::EventHandler {
 public:
  explicit Guard(std::string name) : name_(std::move(name)) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(name_, mark.line + 1, "", "aliases (*name) are not supported; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    if (std::any_of(value.begin(), value.end(), is_control)) {
      refuse(name_, mark.line + 1, "", "text without control characters expected");
    }
    if (has_turned_writing(value)) refuse(name_, mark.line + 1, "", kPlainWriting);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    enter(mark);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    enter(mark);
  }
  void OnMapEnd() override { --depth_; }

 private:
  void enter(const YAML::Mark& mark) {
    if (++depth_ > kMaxDepth) {
      refuse(name_, mark.line + 1, "",
             fmt::format("lists and maps nested at most {} deep expected", kMaxDepth));
    }
  }

  std::string name_;
  int depth_ = 0;
};

std::string line_of(const std::string& text, int line) {
  std::istringstream in(text);
  std::string found;
  for (int i = 0; i < line && std::getline(in, found); ++i) {
  }
  return found;
}

// The parser's words, or plainer ones for the slips that people make.
std::string plain_words(const YAML::Exception& error, const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t");
  const std::size_t tab = line.find('\t');
  if (tab != std::string::npos && (first == std::string::npos || tab < first)) {
    return "indented by a tab; YAML allows spaces only";
  }
  const std::pair<const char*, const char*> known[] = {
      {"end of map flow not found", "a { without its }, or a comma missing before this"},
      {"end of sequence flow not found", "a [ without its ], or a comma missing before this"},
      {"end of map not found", "wrong indentation, or a key without its colon"},
      {"end of sequence not found", "wrong indentation, or an item without its dash"},
      {"illegal map value", "wrong indentation, or text with a colon that needs quotes"}};
  for (const auto& [theirs, ours] : known) {
    if (error.msg == theirs) return ours;
  }
  return error.msg;
}

void refuse_traps(const std::string& text, const std::string& name) {
  std::istringstream in(text);
  try {
    YAML::Parser parser(in);
    Guard guard(name);
    parser.HandleNextDocument(guard);
    Guard rest(name);
    if (parser.HandleNextDocument(rest)) {
      refuse(name, 0, "", "one document expected; a line of three dashes (---) starts another");
    }
  } catch (const YAML::Exception& e) {
    const int line = e.mark.line + 1;
    refuse(name, line, "", "not valid YAML or JSON: " + plain_words(e, line_of(text, line)));
  }
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const unsigned code =
        length == 0 ? static_cast<unsigned char>(text[at]) : code_of(text, at, length);
    const bool is_c1 = length == 2 && code < 0xA0;
    if (length == 0 || is_c1 || code < 0x20 || code == 0x7F) {
      out += fmt::format("\\x{:02x}", code);
    } else if (turns_writing(code)) {
      out += fmt::format("\\u{:04x}", code);
    } else {
      out += text.substr(at, length);
    }
    at += std::max<std::size_t>(1, length);
  }
  return out;
}

void refuse_misleading_text(const std::string& text, const std::string& name,
                            std::size_t max_bytes) {
  refuse_binary(text, name, max_bytes);
  refuse_traps(text, name);
}

}  // namespace moesim
