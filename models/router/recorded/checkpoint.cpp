#include "models/router/recorded/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <tuple>

namespace moesim {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kMostIndexBytes = 100'000'000;
constexpr std::string_view kIndexAllowed = R"({"weight_map": {"tensor": "file.safetensors", ...}})";

// Reads the weight map of an index and passes over everything else.
class IndexReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit IndexReader(bool (*wanted)(std::string_view)) : wanted_(wanted) {}

  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t) override { return other(); }
  bool number_unsigned(number_unsigned_t) override { return other(); }
  bool number_float(number_float_t, const string_t&) override { return other(); }
  bool binary(binary_t&) override { return other(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool start_object(std::size_t) override {
    found_map_ = found_map_ || (depth_ == 1 && in_map_);
    return open();
  }
  bool end_object() override { return close(); }

  bool key(string_t& name) override {
    if (depth_ == 1) in_map_ = name == "weight_map";
    if (depth_ == 2 && in_map_) tensor_ = std::move(name);
    return true;
  }
  bool string(string_t& value) override {
    if (!in_map_) return true;
    if (depth_ != 2) return other();
    if (wanted_(tensor_)) places.push_back({tensor_, std::move(value)});
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    error = fmt::format("not JSON from its byte {} on", position);
    return false;
  }

  // Whether there was a weight map at all.
  bool found_map() const { return found_map_; }

  std::vector<TensorPlace> places;
  std::string error;  // Why reading ended early; empty if it did not.

 private:
  static constexpr int kMostLevels = 16;

  bool other() {
    if (in_map_) error = "a weight_map that is not texts by name";
    return error.empty();
  }
  bool open() {
    if (depth_ == kMostLevels) error = fmt::format("nested deeper than {}", kMostLevels);
    if (in_map_ && depth_ >= 2) return other();
    ++depth_;
    return error.empty();
  }
  bool close() {
    --depth_;
    if (depth_ <= 1) in_map_ = false;
    return true;
  }

  bool (*wanted_)(std::string_view);
  int depth_ = 0;
  bool in_map_ = false;
  bool found_map_ = false;
  std::string tensor_;
};

// A name that cannot lead out of the index's folder.
bool is_plain_name(const std::string& name) {
  return name.ends_with(".safetensors") && name.find('/') == std::string::npos &&
         name.find('\\') == std::string::npos && name.find('\0') == std::string::npos;
}

std::vector<std::string> tensor_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".safetensors") files.push_back(at->path().string());
  }
  if (error) refuse_file(folder, "cannot be read", "a folder that can be read");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<TensorPlace> read_checkpoint_index(const std::string& path,
                                               bool (*wanted)(std::string_view)) {
  const InputFile file(path);
  if (file.size() > kMostIndexBytes) {
    refuse_file(path, fmt::format("{} bytes", file.size()),
                fmt::format("an index of at most {}", kMostIndexBytes));
  }
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, text);
  IndexReader reader(wanted);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  if (!reader.error.empty()) refuse_file(path, reader.error, std::string(kIndexAllowed));
  if (!reader.found_map()) refuse_file(path, "no weight_map", std::string(kIndexAllowed));
  FileFaults faults(path);
  for (TensorPlace& place : reader.places) {
    if (!is_plain_name(place.file)) {
      faults.add(0, shown(place.name), shown(place.file), "a .safetensors file in the same folder");
      continue;
    }
    place.file = (fs::path(path).parent_path() / place.file).string();
  }
  faults.throw_if_any();
  return std::move(reader.places);
}

Checkpoint::Checkpoint(const std::string& path, bool (*wanted)(std::string_view)) {
  const std::string index = (fs::path(path) / "model.safetensors.index.json").string();
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    if (path.ends_with(".json")) {
      places_ = read_checkpoint_index(path, wanted);
    } else {
      add_file(path, wanted);
    }
  } else if (fs::exists(index, error)) {
    places_ = read_checkpoint_index(index, wanted);
  } else {
    const std::vector<std::string> files = tensor_files(path);
    if (files.empty()) refuse_file(path, "a folder without them", ".safetensors files");
    for (const std::string& file : files) add_file(file, wanted);
  }
  std::sort(places_.begin(), places_.end(), [](const TensorPlace& a, const TensorPlace& b) {
    return std::tie(a.name, a.file) < std::tie(b.name, b.file);
  });
}

const SafetensorsFile& Checkpoint::file(const std::string& path) {
  std::unique_ptr<SafetensorsFile>& opened = files_[path];
  if (!opened) opened = std::make_unique<SafetensorsFile>(path);
  return *opened;
}

void Checkpoint::add_file(const std::string& path, bool (*wanted)(std::string_view)) {
  for (const TensorInfo& tensor : file(path).tensors()) {
    if (wanted(tensor.name)) places_.push_back({tensor.name, path});
  }
}

}  // namespace moesim
