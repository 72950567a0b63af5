#include "probe/provider.h"

#include "mail/registrable_domain.h"
#include "probe/network.h"

namespace verifyd {

std::string ProviderOf(const std::string& host) { return IsIpAddress(host) ? host : RegistrableDomainOf(host); }

}  // namespace verifyd
