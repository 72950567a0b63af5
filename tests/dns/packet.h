// DNS messages made by hand, octet by octet, so that tests can make bad ones, too.
#ifndef VERIFYD_TESTS_DNS_PACKET_H_
#define VERIFYD_TESTS_DNS_PACKET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "dns/answer.h"

namespace verifyd {

inline std::string U8(uint8_t value) { return std::string(1, static_cast<char>(value)); }
inline std::string U16(uint16_t value) { return U8(static_cast<uint8_t>(value >> 8)) + U8(value & 0xff); }
inline std::string U32(uint32_t value) { return U16(static_cast<uint16_t>(value >> 16)) + U16(value & 0xffff); }

// Uncompressed; "" is the root.
inline std::string WireName(absl::string_view name) {
  std::string wire;
  for (const absl::string_view label : absl::StrSplit(name, '.', absl::SkipEmpty())) {
    absl::StrAppend(&wire, U8(static_cast<uint8_t>(label.size())), label);
  }
  return wire + U8(0);
}
inline std::string Pointer(uint16_t target) { return U16(0xc000 | target); }
// The name asked for stands after the header.
inline std::string AskedName() { return Pointer(12); }

inline std::string MxData(uint16_t preference, absl::string_view exchange) {
  return U16(preference) + WireName(exchange);
}
inline std::string SoaData(uint32_t minimum) {
  return WireName("ns.example.com") + WireName("hostmaster.example.com") + U32(1) + U32(2) + U32(3) + U32(4) +
         U32(minimum);
}

constexpr uint16_t kPlainAnswer = 0x8180;  // QR, RD, RA
constexpr uint16_t kNsType = 2;
constexpr uint16_t kOptType = 41;

class Packet {
 public:
  Packet(absl::string_view name, DnsType type) { Question(name, type); }

  Packet& Question(absl::string_view name, DnsType type) {
    question_ = WireName(name) + U16(static_cast<uint16_t>(type)) + U16(1);
    return *this;
  }
  Packet& Flags(uint16_t flags) {
    flags_ = flags;
    return *this;
  }
  Packet& Rcode(int rcode) { return Flags(static_cast<uint16_t>(kPlainAnswer | rcode)); }
  // `owner` as it stands on the wire.
  Packet& Answer(absl::string_view owner, DnsType type, uint32_t ttl, absl::string_view data) {
    return Add(0, owner, static_cast<uint16_t>(type), ttl, data);
  }
  Packet& Authority(absl::string_view owner, uint16_t type, uint32_t ttl, absl::string_view data) {
    return Add(1, owner, type, ttl, data);
  }
  Packet& Soa(uint32_t ttl, uint32_t minimum) {
    return Authority(WireName("example.com"), static_cast<uint16_t>(DnsType::kSoa), ttl, SoaData(minimum));
  }
  Packet& Additional(absl::string_view owner, uint16_t type, uint32_t ttl, absl::string_view data) {
    return Add(2, owner, type, ttl, data);
  }
  Packet& Counts(uint16_t answers) {
    counts_[0] = answers;
    return *this;
  }

  std::string Build(absl::string_view id = "ID") const {
    return absl::StrCat(id, U16(flags_), U16(1), U16(counts_[0]), U16(counts_[1]), U16(counts_[2]), question_,
                        sections_[0], sections_[1], sections_[2]);
  }

 private:
  Packet& Add(size_t section, absl::string_view owner, uint16_t type, uint32_t ttl, absl::string_view data) {
    ++counts_[section];
    absl::StrAppend(&sections_[section], owner, U16(type), U16(1), U32(ttl), U16(static_cast<uint16_t>(data.size())),
                    data);
    return *this;
  }

  std::string question_;
  uint16_t flags_ = kPlainAnswer;
  std::array<uint16_t, 3> counts_ = {};
  std::array<std::string, 3> sections_;
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_DNS_PACKET_H_
