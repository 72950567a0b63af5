#include "dns/answer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace verifyd {
namespace {

constexpr size_t kHeaderOctets = 12;
constexpr size_t kMaxMessageOctets = 65535;
constexpr size_t kMaxNameOctets = 255;
constexpr size_t kMaxRecords = 512;
constexpr int kMaxCnames = 10;

constexpr uint16_t kClassIn = 1;
constexpr uint16_t kTypeNs = 2;
constexpr uint16_t kTypeOpt = 41;

constexpr uint16_t kFlagResponse = 0x8000;
constexpr uint16_t kMaskOpcode = 0x7800;
constexpr uint16_t kFlagAuthoritative = 0x0400;
constexpr uint16_t kFlagTruncated = 0x0200;
constexpr uint16_t kFlagRecursion = 0x0080;
constexpr uint16_t kFlagAuthenticated = 0x0020;
constexpr uint16_t kMaskRcode = 0x000f;

constexpr int kRcodeServfail = 2;
constexpr int kRcodeNxDomain = 3;
constexpr int kRcodeRefused = 5;

bool IsNameOctet(char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; }

// Reads along a message. Anything beyond its end reads as zero, and then every later read fails, too.
class Reader {
 public:
  explicit Reader(absl::string_view message, size_t at = 0) : message_(message), at_(at) {}

  bool ok() const { return ok_; }
  size_t at() const { return at_; }

  absl::string_view Bytes(size_t count) {
    if (!ok_ || count > message_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += count;
    return message_.substr(at_ - count, count);
  }
  uint8_t U8() {
    const absl::string_view bytes = Bytes(1);
    return bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]);
  }
  uint16_t U16() {
    const uint16_t high = U8();
    return static_cast<uint16_t>(high << 8 | U8());
  }
  uint32_t U32() {
    const uint32_t high = U16();
    return high << 16 | U16();
  }
  // Reads a name as text. A pointer leads to before the run of labels it ends, so that reading always comes to an end.
  std::string Name() {
    std::string name;
    size_t octets = 1;
    size_t run = at_;
    std::optional<size_t> after;  // after the first pointer
    while (ok_) {
      const uint8_t length = U8();
      if (length == 0) break;
      if (length >= 0xc0) {
        const size_t target = static_cast<size_t>(length & 0x3f) << 8 | U8();
        if (!after.has_value()) after = at_;
        ok_ = ok_ && target < run;
        if (ok_) run = at_ = target;
        continue;
      }
      octets += length + 1U;
      ok_ = ok_ && length <= 63 && octets <= kMaxNameOctets;
      AppendLabel(name, Bytes(length));
    }
    if (after.has_value()) at_ = *after;
    return ok_ ? name : std::string();
  }

 private:
  static void AppendLabel(std::string& name, absl::string_view label) {
    if (!name.empty()) name.push_back('.');
    for (const char c : label) {
      if (IsNameOctet(c)) {
        name.push_back(absl::ascii_tolower(c));
      } else {
        absl::StrAppendFormat(&name, "\\%03d", static_cast<uint8_t>(c));
      }
    }
  }

  absl::string_view message_;
  size_t at_;
  bool ok_ = true;
};

struct Record {
  std::string owner;
  uint16_t type = 0;
  uint32_t ttl = 0;
  size_t start = 0;   // of its data in the message
  size_t length = 0;  // of its data
};

struct Message {
  absl::string_view bytes;
  uint16_t flags = 0;
  int rcode = 0;
  std::vector<Record> answers;
  std::optional<uint32_t> negative_ttl;  // as the SOA says
  bool names_other_servers = false;
  bool looked_at_all = true;

  bool Has(uint16_t flag) const { return (flags & flag) != 0; }
};

// RFC 2181 section 8: a TTL with the top bit set is zero.
uint32_t SaneTtl(uint32_t ttl) { return ttl > 0x7fffffff ? 0 : ttl; }

bool ReadSoa(const Record& record, Message& message) {
  Reader reader(message.bytes, record.start);
  reader.Name();
  reader.Name();
  reader.Bytes(16);  // serial, refresh, retry, expire
  const uint32_t minimum = SaneTtl(reader.U32());
  if (!reader.ok() || reader.at() != record.start + record.length) return false;
  message.negative_ttl = std::min({record.ttl, minimum, message.negative_ttl.value_or(minimum)});
  return true;
}

// Keeps the parts that matter of a record of section 0 (answer), 1 (authority) or 2 (additional).
bool KeepRecord(int section, uint16_t record_class, uint32_t raw_ttl, Record record, Message& message) {
  if (record.type == kTypeOpt) {
    // These are the upper bits of the RCODE (RFC 6891 section 6.1.3): without them BADVERS looks like success.
    if (section == 2) message.rcode |= static_cast<int>(raw_ttl >> 24) << 4;
    return true;
  }
  if (record_class != kClassIn) return true;
  if (section == 0) {
    message.answers.push_back(std::move(record));
    return true;
  }
  if (section == 2) return true;
  if (record.type == kTypeNs) message.names_other_servers = true;
  return record.type != static_cast<uint16_t>(DnsType::kSoa) || ReadSoa(record, message);
}

bool ReadRecords(Reader& reader, const uint16_t (&counts)[3], Message& message) {
  size_t seen = 0;
  for (int section = 0; section < 3; ++section) {
    for (uint16_t i = 0; i < counts[section]; ++i) {
      if (seen++ == kMaxRecords) {
        message.looked_at_all = false;
        return true;
      }
      Record record;
      record.owner = reader.Name();
      record.type = reader.U16();
      const uint16_t record_class = reader.U16();
      const uint32_t raw_ttl = reader.U32();
      record.ttl = SaneTtl(raw_ttl);
      record.length = reader.U16();
      record.start = reader.at();
      reader.Bytes(record.length);
      if (!reader.ok() || !KeepRecord(section, record_class, raw_ttl, std::move(record), message)) return false;
    }
  }
  return true;
}

// Returns true if `message` is a response to this question, or refuses to answer.
bool ReadMessage(absl::string_view name, DnsType type, Message& message) {
  if (message.bytes.size() < kHeaderOctets || message.bytes.size() > kMaxMessageOctets) return false;
  Reader reader(message.bytes);
  reader.U16();
  message.flags = reader.U16();
  message.rcode = message.flags & kMaskRcode;
  if (!message.Has(kFlagResponse) || message.Has(kMaskOpcode)) return false;
  // These may come without a question.
  if (message.rcode == kRcodeServfail || message.rcode == kRcodeRefused) return true;
  const uint16_t questions = reader.U16();
  const uint16_t counts[3] = {reader.U16(), reader.U16(), reader.U16()};
  if (questions != 1 || reader.Name() != name) return false;
  if (reader.U16() != static_cast<uint16_t>(type) || reader.U16() != kClassIn || !reader.ok()) return false;
  return ReadRecords(reader, counts, message);
}

std::string AddressText(int family, absl::string_view bytes) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family, bytes.data(), text, sizeof(text)) == nullptr ? std::string() : std::string(text);
}

bool ReadTexts(Reader& reader, size_t end, DnsAnswer& answer) {
  std::string text;
  while (reader.ok() && reader.at() < end) {
    const absl::string_view part = reader.Bytes(reader.U8());
    text.append(part.data(), part.size());
  }
  answer.texts.push_back(std::move(text));
  return true;
}

bool ReadTlsa(Reader& reader, size_t length, DnsAnswer& answer) {
  if (length < 3) return false;
  TlsaRecord tlsa;
  tlsa.usage = reader.U8();
  tlsa.selector = reader.U8();
  tlsa.matching = reader.U8();
  const absl::string_view data = reader.Bytes(length - 3);
  tlsa.data.assign(data.data(), data.size());
  answer.tlsa.push_back(std::move(tlsa));
  return true;
}

bool ReadData(DnsType type, const Record& record, absl::string_view bytes, DnsAnswer& answer) {
  // Names are read from the whole message, because pointers lead anywhere in it; they must end where the data does.
  const size_t end = record.start + record.length;
  Reader reader(bytes, record.start);
  bool fits = true;
  switch (type) {
    case DnsType::kMx: {
      MxRecord mx;
      mx.preference = reader.U16();
      mx.exchange = reader.Name();
      answer.mx.push_back(std::move(mx));
      break;
    }
    case DnsType::kA:
    case DnsType::kAaaa: {
      const size_t size = type == DnsType::kA ? sizeof(in_addr) : sizeof(in6_addr);
      const absl::string_view address = reader.Bytes(size);
      fits = reader.ok();
      if (fits) answer.addresses.push_back(AddressText(type == DnsType::kA ? AF_INET : AF_INET6, address));
      break;
    }
    case DnsType::kPtr:
      answer.names.push_back(reader.Name());
      break;
    case DnsType::kTxt:
      fits = ReadTexts(reader, end, answer);
      break;
    case DnsType::kTlsa:
      fits = ReadTlsa(reader, record.length, answer);
      break;
    case DnsType::kCname:
    case DnsType::kSoa:
      reader.Bytes(record.length);
      break;
  }
  return fits && reader.ok() && reader.at() == end;
}

// The end of the chain of CNAMEs, and what was met on the way.
struct Chain {
  std::string end;
  int cnames = 0;
  uint32_t ttl = 0x7fffffff;
  bool has_records = false;
};

// Follows the CNAMEs of the answer section. Nothing on a loop, on more than kMaxCnames and on one that can not be read.
std::optional<Chain> Follow(const Message& message, absl::string_view name, DnsType type) {
  Chain chain;
  chain.end.assign(name.data(), name.size());
  for (;;) {
    const Record* cname = nullptr;
    for (const Record& record : message.answers) {
      if (record.owner != chain.end) continue;
      if (record.type == static_cast<uint16_t>(type)) chain.has_records = true;
      if (record.type == static_cast<uint16_t>(DnsType::kCname) && cname == nullptr) cname = &record;
    }
    if (chain.has_records || cname == nullptr) return chain;
    if (++chain.cnames > kMaxCnames) return std::nullopt;
    chain.ttl = std::min(chain.ttl, cname->ttl);
    Reader reader(message.bytes, cname->start);
    chain.end = reader.Name();
    if (!reader.ok() || reader.at() != cname->start + cname->length) return std::nullopt;
  }
}

DnsStatus Negative(const Message& message, const Chain& chain, DnsStatus status, DnsAnswer& answer) {
  if (chain.has_records || !message.looked_at_all) return DnsStatus::kMalformed;
  if (message.negative_ttl.has_value()) {
    answer.ttl = absl::Seconds(std::min(chain.ttl, *message.negative_ttl));
    return status;
  }
  // RFC 2308 section 2.2: name servers and no SOA is a referral. A server that does not recurse and leaves a CNAME
  // without its end has not said what is there, either.
  const bool referral = message.names_other_servers && !message.Has(kFlagAuthoritative);
  const bool half = chain.cnames > 0 && !message.Has(kFlagRecursion);
  return status == DnsStatus::kNoData && (referral || half) ? DnsStatus::kMalformed : status;
}

DnsStatus Positive(const Message& message, const Chain& chain, DnsType type, DnsAnswer& answer) {
  uint32_t ttl = chain.ttl;
  for (const Record& record : message.answers) {
    if (record.type != static_cast<uint16_t>(type) || record.owner != chain.end) continue;
    if (!ReadData(type, record, message.bytes, answer)) return DnsStatus::kMalformed;
    ttl = std::min(ttl, record.ttl);
  }
  answer.ttl = absl::Seconds(ttl);
  return DnsStatus::kOk;
}

DnsStatus Parse(absl::string_view bytes, DnsType type, DnsAnswer& answer) {
  Message message;
  message.bytes = bytes;
  if (!ReadMessage(answer.canonical_name, type, message)) return DnsStatus::kMalformed;
  answer.authenticated = message.Has(kFlagAuthenticated);
  answer.truncated = message.Has(kFlagTruncated);
  if (message.rcode == kRcodeServfail) return DnsStatus::kServfail;
  if (message.rcode == kRcodeRefused) return DnsStatus::kRefused;
  if ((message.rcode != 0 && message.rcode != kRcodeNxDomain) || answer.truncated) return DnsStatus::kMalformed;
  std::optional<Chain> chain = Follow(message, answer.canonical_name, type);
  if (!chain.has_value()) return DnsStatus::kMalformed;
  answer.canonical_name = chain->end;
  if (message.rcode == kRcodeNxDomain) return Negative(message, *chain, DnsStatus::kNxDomain, answer);
  if (!chain->has_records) return Negative(message, *chain, DnsStatus::kNoData, answer);
  return Positive(message, *chain, type, answer);
}

}  // namespace

absl::string_view DnsTypeName(DnsType type) {
  switch (type) {
    case DnsType::kA:
      return "A";
    case DnsType::kCname:
      return "CNAME";
    case DnsType::kSoa:
      return "SOA";
    case DnsType::kPtr:
      return "PTR";
    case DnsType::kMx:
      return "MX";
    case DnsType::kTxt:
      return "TXT";
    case DnsType::kAaaa:
      return "AAAA";
    case DnsType::kTlsa:
      return "TLSA";
  }
  return "unknown type";
}

absl::string_view DnsStatusName(DnsStatus status) {
  switch (status) {
    case DnsStatus::kOk:
      return "found";
    case DnsStatus::kNoData:
      return "no such record";
    case DnsStatus::kNxDomain:
      return "no such name";
    case DnsStatus::kServfail:
      return "server failure";
    case DnsStatus::kRefused:
      return "refused by the name server";
    case DnsStatus::kMalformed:
      return "malformed or unexpected answer";
    case DnsStatus::kTimeout:
      return "no answer in time";
    case DnsStatus::kOverload:
      return "not asked, too many questions in flight";
  }
  return "unknown status";
}

bool IsDomainName(absl::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (const absl::string_view label : absl::StrSplit(name, '.')) {
    if (label.empty() || label.size() > 63 || !std::all_of(label.begin(), label.end(), IsNameOctet)) return false;
  }
  return true;
}

DnsAnswer ParseDnsAnswer(absl::string_view message, absl::string_view name, DnsType type) {
  DnsAnswer answer;
  answer.canonical_name = absl::AsciiStrToLower(name);
  const DnsStatus status = Parse(message, type, answer);
  if (status == DnsStatus::kMalformed) {
    // Keep only the parts that tell people why.
    const bool truncated = answer.truncated;
    answer = DnsAnswer();
    answer.canonical_name = absl::AsciiStrToLower(name);
    answer.truncated = truncated;
  }
  answer.status = status;
  return answer;
}

}  // namespace verifyd
