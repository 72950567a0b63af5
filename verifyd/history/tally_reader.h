// Reads what Tally::ToJson has written, from a file that anybody may have changed since.
//
// Thread: any.
#ifndef VERIFYD_VERIFYD_HISTORY_TALLY_READER_H_
#define VERIFYD_VERIFYD_HISTORY_TALLY_READER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/json/fwd.hpp"
#include "verifyd/history/tally.h"

namespace verifyd {

class TallyReader {
 public:
  // `object` outlives the reader.
  explicit TallyReader(const boost::json::object& object) : object_(object) {}
  absl::StatusOr<Tally> Read();

 private:
  absl::Status ReadReason(const boost::json::object& entry);
  absl::Status ReadDomain(const boost::json::object& entry);
  absl::Status ReadRefused(const boost::json::object& entry);
  absl::Status ReadAsked(const boost::json::object& entry);
  absl::Status ReadDeferred(const boost::json::object& entry);
  absl::Status ReadEach(absl::string_view name, absl::Status (TallyReader::*read)(const boost::json::object&));

  const boost::json::object& object_;
  Tally tally_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_TALLY_READER_H_
