#include "mail/registrable_domain.h"

#include <libpsl.h>

#include "absl/hash/hash.h"

namespace verifyd {

std::string RegistrableDomainOf(const std::string& name) {
  if (name.empty() || name.front() == '[') return name;  // an address literal
  const char* const domain = psl_registrable_domain(psl_builtin(), name.c_str());
  return domain != nullptr ? domain : name;
}

uint64_t RegistrableDomains::NumberOf(const std::string& name) {
  const uint64_t hash = absl::HashOf(name);
  Remembered& remembered = remembered_[hash % kRemembered];
  if (remembered.name != hash) remembered = {.name = hash, .number = absl::HashOf(RegistrableDomainOf(name))};
  return remembered.number;
}

}  // namespace verifyd
