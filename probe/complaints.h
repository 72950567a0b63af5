// Complaints about our pace that a server makes at RCPT, where they may be about the one address: a mailbox with a
// limit of its own, a tenant who chooses what is said. They are believed to be about all our questions when kAddresses
// different addresses met them within a minute. If another domain that met none is answered there meanwhile, kDomains
// domains must have met them. Each address counts once, however often it is asked about.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_COMPLAINTS_H_
#define VERIFYD_PROBE_COMPLAINTS_H_

#include <cstddef>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "mail/address.h"
#include "probe/recent_answers.h"

namespace verifyd {

class Complaints {
 public:
  static constexpr absl::Duration kMemory = absl::Minutes(1);
  static constexpr size_t kAddresses = 3;
  static constexpr size_t kDomains = 3;

  // Takes a complaint heard at `address`, and says what it is about: the address; all our questions, as far as a few
  // domains that are alone there can tell; or all our questions.
  enum class About { kAddress, kFewDomains, kAll };
  About Judge(const Address& address, const RecentAnswers& answers, MonoTime now);
  void Forget() { heard_.clear(); }

 private:
  // More would not make it any clearer.
  static constexpr size_t kMost = 16;
  struct Complaint {
    size_t address = 0;  // hashes
    size_t domain = 0;
    MonoTime when;
  };
  std::vector<Complaint> heard_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_COMPLAINTS_H_
