#include "dns/provider.h"

#include "base/network.h"
#include "mail/registrable_domain.h"

namespace verifyd {

std::string ProviderOf(const std::string& host) { return IsIpAddress(host) ? host : RegistrableDomainOf(host); }

}  // namespace verifyd
