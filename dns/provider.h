// A provider: the operator of a mail host, told by its registrable domain in the Public Suffix List. Two MX of one
// provider share their opinion of us; another's may differ.
//
// Thread: any.
#ifndef VERIFYD_DNS_PROVIDER_H_
#define VERIFYD_DNS_PROVIDER_H_

#include <string>

namespace verifyd {

// Returns "outlook.com" for "example-com.mail.protection.outlook.com"; the host itself where it has no registrable
// domain (an IP address, a bare name).
std::string ProviderOf(const std::string& host);

}  // namespace verifyd

#endif  // VERIFYD_DNS_PROVIDER_H_
