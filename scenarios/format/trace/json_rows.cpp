#include "scenarios/format/trace/json_rows.h"

#include <algorithm>

namespace moesim {
namespace {

constexpr std::string_view kBetween = " \t\r\n,[]";  // Objects.

}  // namespace

bool JsonLines::next() {
  while (lines_.next()) {
    line_ = lines_.number();
    values_ = nlohmann::json::parse(lines_.text(), nullptr, false);
    if (values_.is_object()) return true;
    faults_.add(line_, "", "", "one JSON object per line expected");
  }
  return false;
}

JsonList::JsonList(const InputFile& file, FileFaults& faults)
    : text_(static_cast<std::size_t>(file.size()), '\0'), faults_(faults) {
  file.read(0, text_);
  if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
}

void JsonList::move_to(std::size_t at) {
  const auto begin = text_.begin();
  lines_before_ += std::count(begin + static_cast<std::ptrdiff_t>(at_),
                              begin + static_cast<std::ptrdiff_t>(at), '\n');
  at_ = at;
}

std::size_t JsonList::end_of_object(std::size_t at) const {
  std::int64_t depth = 0;
  bool in_text = false;
  for (; at < text_.size(); ++at) {
    const char c = text_[at];
    if (in_text) {
      if (c == '\\') ++at;
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return at + 1;
    }
  }
  return std::string::npos;
}

std::string_view JsonList::next_object() {
  move_to(std::min(text_.find_first_not_of(kBetween, at_), text_.size()));
  line_ = lines_before_ + 1;
  if (at_ == text_.size()) return {};
  const std::size_t end = text_[at_] == '{' ? end_of_object(at_) : std::string::npos;
  if (end == std::string::npos) {
    faults_.add(line_, "", "", "a list of JSON objects expected");
    at_ = text_.size();
    return {};
  }
  const std::string_view object = std::string_view(text_).substr(at_, end - at_);
  move_to(end);
  return object;
}

bool JsonList::next() {
  while (true) {
    const std::string_view object = next_object();
    if (object.empty()) return false;
    values_ = nlohmann::json::parse(object, nullptr, false);
    if (values_.is_object()) return true;
    faults_.add(line_, "", "", "a JSON object expected");
  }
}

}  // namespace moesim
