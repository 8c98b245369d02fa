// Recorded routing and checkpoints written out by hand, byte for byte, so that readers are tested
// against the formats and not against a writer of our own.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "models/spec/model_spec.h"

namespace moesim::made {

// Four layers, the first dense, the others with eight experts of which tokens choose two.
inline ModelSpec routed_model() {
  MoeSpec moe;
  moe.num_experts = 8;
  moe.top_k = 2;
  ModelSpec model;
  model.name = "routed";
  model.hidden_size = 4;
  model.layers.resize(4);
  for (std::size_t l = 1; l < 4; ++l) model.layers[l].moe = moe;
  return model;
}

// The bytes of a little-endian number, or of as many of them.
template <typename Number>
std::string bytes_of(Number number) {
  std::string out(sizeof(Number), '\0');
  std::memcpy(out.data(), &number, sizeof(Number));
  return out;
}
template <typename Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  std::string out;
  for (const Number number : numbers) out += bytes_of(number);
  return out;
}

// A NumPy file of format 1 from its dictionary and data.
inline std::string npy(const std::string& dictionary, const std::string& data) {
  const std::string header = dictionary + "\n";
  return std::string("\x93NUMPY\x01\x00", 8) + bytes_of(static_cast<std::uint16_t>(header.size())) +
         header + data;
}
inline std::string npy_dictionary(const std::string& type, const std::string& shape,
                                  bool fortran_order = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran_order ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

// Base64 the slow way: bit by bit.
inline std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (const char c : bytes) {
    for (int b = 7; b >= 0; --b) bits += (static_cast<unsigned char>(c) >> b & 1) != 0 ? '1' : '0';
  }
  while (bits.size() % 6 != 0) bits += '0';
  std::string out;
  for (std::size_t i = 0; i < bits.size(); i += 6) {
    out += kDigits[std::stoul(bits.substr(i, 6), nullptr, 2)];
  }
  while (out.size() % 4 != 0) out += '=';
  return out;
}

// A .safetensors file from its header and data.
inline std::string safetensors(const std::string& header, const std::string& data) {
  return bytes_of(static_cast<std::uint64_t>(header.size())) + header + data;
}

struct Tensor {
  std::string name;
  std::string dtype;
  std::string shape;
  std::string data;
};
inline std::string safetensors(const std::vector<Tensor>& tensors) {
  std::string header = R"({"__metadata__":{"format":"pt"})";
  std::string data;
  for (const Tensor& tensor : tensors) {
    header += ",\"" + tensor.name + R"(":{"dtype":")" + tensor.dtype + R"(","shape":)" +
              tensor.shape + R"(,"data_offsets":[)" + std::to_string(data.size()) + "," +
              std::to_string(data.size() + tensor.data.size()) + "]}";
    data += tensor.data;
  }
  return safetensors(header + "}", data);
}

}  // namespace moesim::made
