// The registrable domain of a name, told by the Public Suffix List: what somebody has bought. Below it he makes up as
// many names as he likes, so what is limited is limited for all of them together.
#ifndef VERIFYD_MAIL_REGISTRABLE_DOMAIN_H_
#define VERIFYD_MAIL_REGISTRABLE_DOMAIN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace verifyd {

// "example.co.uk" of "mx.example.co.uk"; the name itself where it has none (an IP address, a bare name). `name` is in
// lower case. Costs a search among all public suffixes. Any thread.
std::string RegistrableDomainOf(const std::string& name);

// Numbers that stand for registrable domains. Those of a few thousand names are remembered, as most are asked for again
// and again.
//
// Thread: one (whoever owns it).
class RegistrableDomains {
 public:
  RegistrableDomains() : remembered_(kRemembered) {}

  uint64_t NumberOf(const std::string& name);

 private:
  static constexpr size_t kRemembered = 4096;
  // Both are hashes; a name takes the place of another that has the same.
  struct Remembered {
    uint64_t name = 0;
    uint64_t number = 0;
  };
  std::vector<Remembered> remembered_;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_REGISTRABLE_DOMAIN_H_
