// Imported data comes from other programs and from servers that Postfix has talked to. Whatever it is, reading ends,
// errors are printable and bounded, and the cache can hold every record that is taken.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "base/text.h"
#include "boost/json.hpp"
#include "cache/record.h"
#include "classifier/classifier.h"
#include "verifyctl/import_source.h"
#include "verifyd/json/record_reader.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireShowable(absl::string_view error) {
  constexpr size_t kLongest = 1000;
  Require(error.size() <= kLongest && verifyd::Printable(error, kLongest) == error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const kClassifier = new std::shared_ptr<const verifyd::Classifier>(verifyd::Classifier::BuiltIn());
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  const auto source = verifyd::ImportSource::Open("-", in, **kClassifier);
  if (!source.ok()) {
    RequireShowable(source.status().message());
    return 0;
  }
  for (;;) {
    const auto part = (*source)->Next();
    Require(part.ok());
    if (!part->has_value()) return 0;
    RequireShowable((*part)->error);
    if (!(*part)->record.has_value()) continue;
    boost::system::error_code error;
    const boost::json::value json = boost::json::parse(*(*part)->record, error);
    Require(!error);
    const absl::StatusOr<verifyd::NamedRecord> named = verifyd::RecordFromJson(json);
    if (!named.ok()) {
      RequireShowable(named.status().message());
      continue;
    }
    const absl::StatusOr<verifyd::Record> kept = verifyd::DecodeRecord(verifyd::EncodeRecord(named->record));
    Require(kept.ok() && *kept == named->record);
  }
}
