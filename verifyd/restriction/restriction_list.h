// The restriction language: lists of named tests with their arguments, written as in Postfix's
// smtpd_recipient_restrictions and in the values of access(5) tables (postconf(5), access(5)). Lists are read once,
// with the settings; restrictions.h takes a request through them.
//
// Thread: any (values).
#ifndef VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_LIST_H_
#define VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_LIST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "dns/blocklist.h"
#include "verifyd/restriction/decision.h"

namespace verifyd {

class AccessTable;

enum class RestrictionKind : uint8_t {
  kPermit,
  kDunno,
  kReject,
  kDefer,
  kDeferIfPermit,
  kDeferIfReject,
  kPermitMynetworks,
  kPermitSaslAuthenticated,
  kCheckClientAccess,
  kCheckHeloAccess,
  kCheckSenderAccess,
  kCheckRecipientAccess,
  kRejectInvalidHeloHostname,
  kRejectNonFqdnHeloHostname,
  kRejectNonFqdnSender,
  kRejectNonFqdnRecipient,
  kRejectUnknownSenderDomain,
  kRejectUnknownRecipientDomain,
  kRejectRblClient,
  kRejectDisposableSender,
  kRejectDisposableRecipient,
  kRejectUnverifiedSender,
  kRejectUnverifiedRecipient,
  kRateLimit,
  kClass,   // another list, by its name
  kAction,  // a further action for the MTA (HOLD, PREPEND, ...), if nothing refuses
  kLog,     // WARN and INFO of access(5)
};

// Requests are counted by this (rate_limit).
enum class RateKey : uint8_t { kSaslUsername, kClientAddress, kSenderDomain, kRecipientDomain };

struct RestrictionList;

struct RateLimit {
  RateKey key = RateKey::kClientAddress;
  int64_t count = 0;  // in `period`; requests beyond it get `action`
  absl::Duration period;
  std::shared_ptr<const RestrictionList> action;
  std::string name;  // as written: limits that are written alike count together
};

struct Restriction {
  RestrictionKind kind = RestrictionKind::kDunno;
  bool warn_if_reject = false;
  // The answer of kReject, kDefer, kDeferIfPermit, kDeferIfReject; code 0 and an empty text or dsn stand for the
  // setting's and Postfix's own. For kAction and kLog `text` is all of it ("HOLD", "PREPEND X-Spam: yes").
  Decision said;
  std::shared_ptr<const AccessTable> table;     // check_*_access
  std::shared_ptr<const RestrictionList> list;  // kClass
  std::shared_ptr<const Blocklist> blocklist;   // reject_rbl_client
  std::shared_ptr<const RateLimit> rate;        // rate_limit
};

struct RestrictionList {
  std::string name;  // the class's; else empty
  std::vector<Restriction> restrictions;
};

// Returns Postfix's name, "reject_rbl_client"; empty where there is none ("kAction").
absl::string_view RestrictionName(RestrictionKind kind);

// Reads lists. Tables are loaded once, however many lists name them.
class RestrictionReader {
 public:
  using Expand = std::function<absl::StatusOr<std::vector<std::string>>(absl::string_view class_name)>;
  // `class_items` returns the items of the list NAME_restrictions, or an error where there is no such class. It must
  // own what it needs: tables of patterns keep it and call it when a pattern matches.
  explicit RestrictionReader(Expand class_items) : class_items_(std::move(class_items)) {}
  RestrictionReader(const RestrictionReader&) = delete;
  RestrictionReader& operator=(const RestrictionReader&) = delete;

  // Reads the items of a list: names, each with its arguments behind it. Errors name the item, what was expected, and
  // for a table file and line.
  absl::StatusOr<std::shared_ptr<const RestrictionList>> Read(const std::vector<std::string>& items);
  // Reads a class by its name, as in a list; a class may not contain itself.
  absl::StatusOr<std::shared_ptr<const RestrictionList>> ReadClass(absl::string_view name);
  // Reads the value of an entry of a table (access(5)): an action, or names of restrictions.
  absl::StatusOr<std::shared_ptr<const RestrictionList>> ReadValue(absl::string_view value);

 private:
  class Items;
  absl::Status ReadArgument(absl::string_view name, Items& items, Restriction& restriction);
  absl::StatusOr<std::shared_ptr<const AccessTable>> TableFor(const std::string& spec);
  absl::StatusOr<std::shared_ptr<const RateLimit>> ReadRateLimit(absl::string_view text);

  const Expand class_items_;
  const std::shared_ptr<RestrictionReader*> self_ = std::make_shared<RestrictionReader*>(this);
  bool may_load_ = true;
  absl::flat_hash_map<std::string, std::shared_ptr<const AccessTable>> tables_;
  absl::flat_hash_map<std::string, std::shared_ptr<const RestrictionList>> classes_;
  std::vector<std::string> reading_;  // classes and tables that are being read, the outermost first
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_LIST_H_
