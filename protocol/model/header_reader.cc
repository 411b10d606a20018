#include "protocol/model/header_reader.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/model/safetensors.h"

namespace sealfold {
namespace {

std::string Shown(absl::string_view text) { return absl::Utf8SafeCHexEscape(text.substr(0, 80)); }

absl::Status BadJson(std::string found) {
  return BadInput({.code = "safetensors_json",
                   .what = "safetensors header",
                   .expected = "one JSON object, padded with spaces",
                   .found = std::move(found)});
}

// Takes the events of nlohmann's parser, whose stack is on the heap, and refuses at once what a
// header cannot have: so no tree of unknown depth is ever built, and a doubled key is seen.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Unexpected("null"); }
  bool boolean(bool) override { return Unexpected("true or false"); }
  bool number_integer(number_integer_t) override { return Unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t& text) override {
    return Unexpected(absl::StrCat("the number ", Shown(text)));
  }
  bool binary(binary_t&) override { return Unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (at_ != At::kShape && at_ != At::kOffsets) return Unexpected("a number");
    const size_t count_max = at_ == At::kShape ? kTensorDimensionsMax : 2;
    if (numbers_.size() == count_max) {
      return Fail("safetensors_field", absl::StrCat("at most ", count_max, " numbers"), "more");
    }
    numbers_.push_back(value);
    return true;
  }

  bool string(string_t& text) override {
    if (at_ == At::kMetadata) {
      content_.metadata[key_] = std::move(text);
      return true;
    }
    if (at_ != At::kTensor || key_ != "dtype") return Unexpected("text");
    const auto names = CborEnumNames(Dtype{});
    for (size_t i = 0; i < names.size(); ++i) {
      if (text == names[i]) {
        content_.tensors.back().spec.dtype = static_cast<Dtype>(i);
        return true;
      }
    }
    return Fail("safetensors_dtype", "F32, F16 or BF16", Shown(text),
                "convert the tensor to one of these, or leave it out");
  }

  bool start_object(std::size_t) override {
    if (at_ == At::kStart) {
      at_ = At::kTop;
    } else if (at_ == At::kTop && key_ == "__metadata__") {
      at_ = At::kMetadata;
    } else if (at_ == At::kTop) {
      if (content_.tensors.size() == kTensorsMax) {
        return Fail("tensors_count", absl::StrCat("at most ", kTensorsMax, " tensors"), "more");
      }
      at_ = At::kTensor;
      fields_.clear();
      content_.tensors.emplace_back().spec.name = key_;
    } else {
      return Unexpected("an object");
    }
    return true;
  }

  bool key(string_t& text) override {
    bool fresh = false;
    if (at_ == At::kTop) {
      fresh = names_.insert(text).second;
    } else if (at_ == At::kMetadata) {
      if (content_.metadata.size() == kSafetensorsMetadataMax) {
        return Fail("safetensors_metadata",
                    absl::StrCat("at most ", kSafetensorsMetadataMax, " entries"), "more");
      }
      fresh = content_.metadata.find(text) == content_.metadata.end();
    } else {
      if (text != "dtype" && text != "shape" && text != "data_offsets") {
        return Fail("safetensors_key_unknown", "dtype, shape and data_offsets", Shown(text));
      }
      fresh = fields_.insert(text).second;
    }
    if (!fresh) return Fail("safetensors_key_doubled", "every key once", Shown(text));
    key_ = std::move(text);
    return true;
  }

  bool end_object() override {
    if (at_ == At::kTop) {
      at_ = At::kEnd;
      return true;
    }
    if (at_ == At::kTensor && fields_.size() != 3) {
      key_ = content_.tensors.back().spec.name;
      return Fail("safetensors_key_missing", "dtype, shape and data_offsets",
                  absl::StrCat(fields_.size(), " of them"));
    }
    at_ = At::kTop;
    return true;
  }

  bool start_array(std::size_t) override {
    if (at_ != At::kTensor || key_ == "dtype") return Unexpected("an array");
    at_ = key_ == "shape" ? At::kShape : At::kOffsets;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    HeaderContent::Tensor& tensor = content_.tensors.back();
    if (at_ == At::kShape) {
      tensor.spec.shape = numbers_;
    } else if (numbers_.size() == 2) {
      tensor.begin = numbers_[0];
      tensor.end = numbers_[1];
    } else {
      return Fail("safetensors_field", "2 numbers", absl::StrCat(numbers_.size()));
    }
    at_ = At::kTensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    status_ = BadJson(absl::StrCat("a syntax error at byte ", position));
    return false;
  }

  absl::StatusOr<HeaderContent> Finish() {
    SEALFOLD_RETURN_IF_ERROR(status_);
    SEALFOLD_CHECK(at_ == At::kEnd);
    return std::move(content_);
  }

 private:
  enum class At { kStart, kTop, kMetadata, kTensor, kShape, kOffsets, kEnd };

  bool Fail(absl::string_view code, std::string expected, std::string found,
            std::string advice = "") {
    status_ = BadInput({.code = std::string(code),
                        .what = absl::StrCat("safetensors header, at \"", Shown(key_), "\""),
                        .expected = std::move(expected),
                        .found = std::move(found),
                        .advice = std::move(advice)});
    return false;
  }

  bool Unexpected(std::string found) {
    switch (at_) {
      case At::kMetadata:
        return Fail("safetensors_field", "text", std::move(found));
      case At::kShape:
      case At::kOffsets:
        return Fail("safetensors_field", "numbers from 0 to 2^64 - 1", std::move(found));
      case At::kTensor:
        return Fail("safetensors_field", key_ == "dtype" ? "text" : "an array", std::move(found));
      default:
        return Fail("safetensors_field", "an object", std::move(found));
    }
  }

  At at_ = At::kStart;
  std::string key_;               // the last one read
  std::set<std::string> names_;   // keys of the top object so far
  std::set<std::string> fields_;  // keys of the tensor being read so far
  std::vector<uint64_t> numbers_;
  HeaderContent content_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<HeaderContent> ReadHeaderJson(absl::string_view json) {
  while (!json.empty() && json.back() == ' ') json.remove_suffix(1);
  // nlohmann takes a zero byte for the end, and would skip a byte order mark.
  if (json.empty() || json.front() != '{' || json.back() != '}') return BadJson("other bytes");
  if (json.find('\0') != json.npos) return BadJson("a zero byte");
  Reader reader;
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return reader.Finish();
}

}  // namespace sealfold
