// The registrable domain of a name, told by the Public Suffix List: the domain that somebody has bought. Its owner
// makes up as many names below it as he likes, so a limit holds for all of them together.
#ifndef VERIFYD_MAIL_REGISTRABLE_DOMAIN_H_
#define VERIFYD_MAIL_REGISTRABLE_DOMAIN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace verifyd {

// Returns "example.co.uk" for "mx.example.co.uk"; the name itself where it has none (an IP address, a bare name).
// `name` is in lower case. Costs a search among all public suffixes. Any thread.
std::string RegistrableDomainOf(const std::string& name);

// Numbers that stand for registrable domains. A few thousand names are remembered, as most are asked for again and
// again.
//
// Thread: one (the owner's).
class RegistrableDomains {
 public:
  RegistrableDomains() : remembered_(kRemembered) {}

  uint64_t NumberOf(const std::string& name);

 private:
  static constexpr size_t kRemembered = 4096;
  // Both are hashes; a name replaces another that falls into the same place.
  struct Remembered {
    uint64_t name = 0;
    uint64_t number = 0;
  };
  std::vector<Remembered> remembered_;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_REGISTRABLE_DOMAIN_H_
