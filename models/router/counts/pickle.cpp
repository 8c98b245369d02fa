#include "models/router/counts/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "models/router/recorded/input_file.h"

namespace moesim {

namespace {

using Kind = PickleValue::Kind;

class PickleReader {
 public:
  PickleReader(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  PickleTree read() {
    while (true) {
      const auto op = number<std::uint8_t>();
      if (op == '.') break;
      if (take_number(op) || take_text(op) || take_list(op) || take_map(op) || take_memo(op) ||
          take_object(op)) {
        continue;
      }
      fail(fmt::format("opcode 0x{:02x} at byte {}", op, at_ - 1));
    }
    tree_.root = pop();
    return std::move(tree_);
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    refuse_file(file_, "data.pkl: " + found,
                "a dictionary of tensors, numbers and texts, as torch.save writes it");
  }

  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_) fail("a pickle that is cut short");
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }
  template <typename Number>
  Number number() {
    Number out;
    std::memcpy(&out, take(sizeof(Number)).data(), sizeof(Number));
    return out;
  }
  std::string line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("a pickle that is cut short");
    std::string text(take(end - at_));
    ++at_;
    return text;
  }

  bool push(PickleValue value) {
    tree_.values.push_back(std::move(value));
    stack_.push_back(tree_.values.size() - 1);
    return true;
  }
  bool push_whole(std::int64_t whole) { return push({.kind = Kind::kWhole, .whole = whole}); }
  bool push_text(std::string_view text) {
    return push({.kind = Kind::kText, .text = std::string(text)});
  }
  std::size_t pop() {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) fail("a pickle that takes more values than it has");
    const std::size_t top = stack_.back();
    stack_.pop_back();
    return top;
  }
  std::vector<std::size_t> pop_last(std::size_t count) {
    std::vector<std::size_t> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }
  std::vector<std::size_t> pop_to_mark() {
    if (marks_.empty()) fail("a pickle without the mark that it refers to");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<std::size_t> items(begin, stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  // The value on top, which more is put into.
  PickleValue& top() {
    const std::size_t place = pop();
    stack_.push_back(place);
    return tree_.values[place];
  }
  bool put(Kind kind, const std::vector<std::size_t>& items) {
    PickleValue& target = top();
    if (target.kind == Kind::kCall) return true;  // The state of an object that is not made.
    if (target.kind != kind) fail("a pickle that adds items to no container");
    target.items.insert(target.items.end(), items.begin(), items.end());
    return true;
  }

  bool take_number(std::uint8_t op) {
    switch (op) {
      case 'N':
        return push({});
      case 0x88:  // NEWTRUE, NEWFALSE
      case 0x89:
        return push_whole(op == 0x88 ? 1 : 0);
      case 'J':
        return push_whole(number<std::int32_t>());
      case 'K':
        return push_whole(number<std::uint8_t>());
      case 'M':
        return push_whole(number<std::uint16_t>());
      case 0x8a:  // LONG1
        return push_long(take(number<std::uint8_t>()));
      case 'G':  // Big-endian, as nothing else.
        return push({.kind = Kind::kReal,
                     .real = std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>()))});
      default:
        return false;
    }
  }

  // Little-endian two's complement. Wider numbers than ours are none that we use.
  bool push_long(std::string_view digits) {
    if (digits.size() > 8) return push_text("a long number");
    std::uint64_t bits = !digits.empty() && (digits.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    std::memcpy(&bits, digits.data(), digits.size());
    return push_whole(static_cast<std::int64_t>(bits));
  }

  bool take_text(std::uint8_t op) {
    switch (op) {
      case 'X':  // BINUNICODE, BINBYTES
      case 'B':
        return push_text(take(number<std::uint32_t>()));
      case 0x8c:  // SHORT_BINUNICODE
      case 'C':   // SHORT_BINBYTES
        return push_text(take(number<std::uint8_t>()));
      case 0x8d:  // BINUNICODE8, BINBYTES8
      case 0x8e:
        return push_text(take(number<std::uint64_t>()));
      default:
        return false;
    }
  }

  bool take_list(std::uint8_t op) {
    switch (op) {
      case '(':
        marks_.push_back(stack_.size());
        return true;
      case ']':
      case ')':
      case 0x8f:  // EMPTY_SET
        return push({.kind = Kind::kList});
      case 't':
      case 'l':
      case 0x91:  // FROZENSET
        return push({.kind = Kind::kList, .items = pop_to_mark()});
      case 0x85:  // TUPLE1, TUPLE2, TUPLE3
      case 0x86:
      case 0x87:
        return push({.kind = Kind::kList, .items = pop_last(op - 0x84U)});
      case 'a':
        return put(Kind::kList, pop_last(1));
      case 'e':
      case 0x90:  // ADDITEMS
        return put(Kind::kList, pop_to_mark());
      default:
        return false;
    }
  }

  bool take_map(std::uint8_t op) {
    switch (op) {
      case '}':
        return push({.kind = Kind::kMap});
      case 's':
        return put(Kind::kMap, pop_last(2));
      case 'u': {
        const std::vector<std::size_t> items = pop_to_mark();
        if (items.size() % 2 != 0) fail("a pickle with a key without a value");
        return put(Kind::kMap, items);
      }
      default:
        return false;
    }
  }

  bool take_memo(std::uint8_t op) {
    switch (op) {
      case 0x80:  // PROTO
        take(1);
        return true;
      case 0x95:  // FRAME
        take(8);
        return true;
      case 'q':
        return remember(number<std::uint8_t>());
      case 'r':
        return remember(number<std::uint32_t>());
      case 0x94:  // MEMOIZE
        return remember(memo_.size());
      case 'h':
        return recall(number<std::uint8_t>());
      case 'j':
        return recall(number<std::uint32_t>());
      case '0':
        pop();
        return true;
      default:
        return false;
    }
  }

  bool remember(std::size_t number) {
    const std::size_t place = pop();
    stack_.push_back(place);
    memo_[number] = place;
    return true;
  }
  bool recall(std::size_t number) {
    const auto found = memo_.find(number);
    if (found == memo_.end()) fail("a pickle that recalls a value which it never had");
    stack_.push_back(found->second);
    return true;
  }

  bool take_object(std::uint8_t op) {
    switch (op) {
      case 'c': {
        const std::string module = line();
        return push({.kind = Kind::kGlobal, .text = module + "." + line()});
      }
      case 0x93: {  // STACK_GLOBAL
        const std::vector<std::size_t> name = pop_last(2);
        return push(
            {.kind = Kind::kGlobal, .text = tree_.at(name[0]).text + "." + tree_.at(name[1]).text});
      }
      case 'R':
      case 0x81:  // NEWOBJ
        return push_call(pop_last(2));
      case 'b':  // BUILD: the object stays as it is.
        pop();
        return true;
      case 'Q':
        return push({.kind = Kind::kStored, .items = tree_.at(pop()).items});
      default:
        return false;
    }
  }

  bool push_call(std::vector<std::size_t> called) {
    const PickleValue& function = tree_.at(called[0]);
    const bool is_empty = tree_.at(called[1]).items.empty();
    if (function.text == "collections.OrderedDict" && is_empty) return push({.kind = Kind::kMap});
    return push({.kind = Kind::kCall, .items = std::move(called)});
  }

  std::string_view bytes_;
  const std::string& file_;
  std::size_t at_ = 0;
  PickleTree tree_;
  std::vector<std::size_t> stack_, marks_;
  std::map<std::size_t, std::size_t> memo_;
};

}  // namespace

const PickleValue* PickleTree::find(const PickleValue& map, std::string_view key) const {
  for (std::size_t i = 0; map.kind == Kind::kMap && i + 1 < map.items.size(); i += 2) {
    if (at(map.items[i]).kind == Kind::kText && at(map.items[i]).text == key) {
      return &at(map.items[i + 1]);
    }
  }
  return nullptr;
}

PickleTree read_pickle(std::string_view bytes, const std::string& file) {
  return PickleReader(bytes, file).read();
}

std::string kind_text(const PickleTree& tree, const PickleValue& value) {
  switch (value.kind) {
    case Kind::kNone:
      return "None";
    case Kind::kWhole:
    case Kind::kReal:
      return "a number";
    case Kind::kText:
      return "a text";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a dictionary";
    case Kind::kGlobal:
      return shown(value.text);
    case Kind::kCall:
      return "an object made by " + shown(tree.at(value.items[0]).text);
    case Kind::kStored:
      return "a storage";
  }
  return "";
}

}  // namespace moesim
