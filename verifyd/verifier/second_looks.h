// Second looks at negatives that are asked about again, counted by domain and minute: a list of wrong addresses must
// not become as many probes.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_SECOND_LOOKS_H_
#define VERIFYD_VERIFYD_VERIFIER_SECOND_LOOKS_H_

#include <cstddef>
#include <string>

#include "base/clock.h"
#include "base/forgetful_table.h"

namespace verifyd {

class SecondLooks {
 public:
  static constexpr int kOfADomain = 30;
  static constexpr size_t kMaxDomains = 100000;

  // It outlives this.
  explicit SecondLooks(const Clock& clock) : clock_(clock) {}

  bool Allowed(const std::string& domain) const;
  void Note(const std::string& domain);

 private:
  struct Looks {
    MonoTime since;
    int count = 0;
    bool past(MonoTime now) const;
  };

  const Clock& clock_;
  ForgetfulTable<std::string, Looks> domains_{kMaxDomains};
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_SECOND_LOOKS_H_
