// Records as JSON, read back: {"address": ..., "record": {...}} as the api shows them; and deliveries. What was written
// by hand, by another program or by somebody who means harm is checked field by field; what follows from a record and
// the lifetimes (freshness, expire_at and their like) is passed over.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_JSON_RECORD_READER_H_
#define VERIFYD_VERIFYD_JSON_RECORD_READER_H_

#include <string>

#include "absl/status/statusor.h"
#include "boost/json/fwd.hpp"
#include "cache/record.h"
#include "mail/delivery.h"

namespace verifyd {

// "address", and in "record" a "finding" with "status" and "updated", must be there; without "first_seen",
// "last_positive" and "negative_since" these are what the finding says. Errors name the field, what was found and what
// was expected.
absl::StatusOr<NamedRecord> RecordFromJson(const boost::json::value& value);

// What ToJson of a delivery says. Errors likewise.
absl::StatusOr<Delivery> DeliveryFromJson(const boost::json::value& value);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_RECORD_READER_H_
