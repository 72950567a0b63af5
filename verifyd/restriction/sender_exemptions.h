// Senders that reject_unverified_sender leaves alone (unverified_sender_exemptions): addresses made for one message,
// which nobody else can ask about, and addresses of lists, which answer nobody.
//
//   verp   joe=example.com in the local part of a bounce address (qmail's, ezmlm's, Postfix's VERP_README)
//   batv   prvs=1234abcdef=joe, btv1==... (draft-levine-smtp-batv)
//   srs    SRS0=..., SRS1=... with = + or - behind the digit (libsrs2)
//   list   owner-..., ...-owner, ...-bounces, ...-request, and their like; mailer-daemon, listserv, majordomo
//   /re/   a pattern of RE2 that matches a part of the whole address, whatever its case
//
// The null sender and postmaster are never asked about.
//
// Thread: any (immutable).
#ifndef VERIFYD_VERIFYD_RESTRICTION_SENDER_EXEMPTIONS_H_
#define VERIFYD_VERIFYD_RESTRICTION_SENDER_EXEMPTIONS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/pattern_set.h"
#include "mail/address.h"

namespace verifyd {

class SenderExemptions {
 public:
  // Errors name the item.
  static absl::StatusOr<SenderExemptions> Create(const std::vector<std::string>& items);
  bool Contain(const Address& sender) const;

 private:
  std::shared_ptr<const PatternSet> patterns_;  // null: none
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_SENDER_EXEMPTIONS_H_
