// What was found out of an address that nobody waited for long enough to hear, for the next who asks: where negatives
// are not kept (address_verify_negative_cache = no) it would be found out again and again.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_UNHEARD_H_
#define VERIFYD_VERIFYD_VERIFIER_UNHEARD_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/forgetful_table.h"
#include "mail/address.h"
#include "mail/verdict.h"

namespace verifyd {

class Unheard {
 public:
  static constexpr absl::Duration kKept = absl::Seconds(1000);
  static constexpr size_t kMax = 10000;

  // It outlives this.
  explicit Unheard(const Clock& clock) : clock_(clock) {}

  void Keep(const Address& address, const Verdict& verdict);
  // It is heard now, or worth nothing any more.
  std::optional<Verdict> Take(const Address& address);

 private:
  struct Answer {
    MonoTime when;
    Verdict verdict;
  };

  const Clock& clock_;
  ForgetfulTable<std::string, Answer> answers_{kMax};
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_UNHEARD_H_
