// The answers of the routes that work on the cache as a whole.
//
// Thread: any (values).
#ifndef VERIFYD_VERIFYD_JSON_SHOWN_CACHE_H_
#define VERIFYD_VERIFYD_JSON_SHOWN_CACHE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verifyd/json/described.h"

namespace verifyd {

struct ShownCleaning {
  uint64_t records_before = 0;
  uint64_t records = 0;
  uint64_t domains_before = 0;
  uint64_t domains = 0;
};
BOOST_DESCRIBE_STRUCT(ShownCleaning, (), (records_before, records, domains_before, domains))

// A record or a delivery that could not be read: its place in the list, and why.
struct ShownFault {
  std::optional<uint64_t> record;
  std::optional<uint64_t> delivery;
  std::string error;
};
BOOST_DESCRIBE_STRUCT(ShownFault, (), (record, delivery, error))

// The fate of records that were handed in.
struct ShownImport {
  uint64_t imported = 0;
  uint64_t older = 0;
  uint64_t expired = 0;
  uint64_t future = 0;
  std::vector<ShownFault> errors;
};
BOOST_DESCRIBE_STRUCT(ShownImport, (), (imported, older, expired, future, errors))

struct ShownLearnedCounts {
  uint64_t learned = 0;
  uint64_t older = 0;
  uint64_t expired = 0;
  uint64_t future = 0;
  uint64_t elsewhere = 0;
  uint64_t not_verified = 0;
  uint64_t uninformative = 0;
};
BOOST_DESCRIBE_STRUCT(ShownLearnedCounts, (), (learned, older, expired, future, elsewhere, not_verified, uninformative))

// The fate of deliveries that were handed in.
struct ShownLearned {
  Flat<ShownLearnedCounts> counts;
  std::vector<ShownFault> errors;
};
BOOST_DESCRIBE_STRUCT(ShownLearned, (), (counts, errors))

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_SHOWN_CACHE_H_
