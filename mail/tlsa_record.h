// A server's certificate as DNS describes it (RFC 6698 section 2.1).
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_TLSA_RECORD_H_
#define VERIFYD_MAIL_TLSA_RECORD_H_

#include <cstdint>
#include <string>

namespace verifyd {

struct TlsaRecord {
  uint8_t usage = 0;
  uint8_t selector = 0;
  uint8_t matching = 0;
  std::string data;  // raw bytes
  friend bool operator==(const TlsaRecord&, const TlsaRecord&) = default;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_TLSA_RECORD_H_
