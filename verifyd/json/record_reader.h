// Reads records back from JSON, {"address": ..., "record": {...}} as the api shows them, and deliveries. The text may
// be written by hand, by another program or with bad intent, so it is checked field by field. Values that follow from a
// record and the lifetimes (freshness, expire_at and their like) are passed over.
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

// "address", and in "record" a "finding" with "status" and "updated", must be there. Missing "first_seen",
// "last_positive" and "negative_since" are taken from the finding. Errors name the field, what was found and what was
// expected.
absl::StatusOr<NamedRecord> RecordFromJson(const boost::json::value& value);

// Reads a delivery as it is shown (shown_delivery.h). Errors likewise.
absl::StatusOr<Delivery> DeliveryFromJson(const boost::json::value& value);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_RECORD_READER_H_
