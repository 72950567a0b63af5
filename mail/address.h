// An address: a mailbox, local@domain, parsed once at the border (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_ADDRESS_H_
#define VERIFYD_MAIL_ADDRESS_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

class Address {
 public:
  // Limits in octets, of the domain in A-labels, and of the whole as SMTP writes it: the most that fits a line with
  // RCPT TO (512, RFC 5321 section 4.5.3.1.4). The 64 of a local part and the 254 of a path are no limits here: MTAs
  // pass longer ones on, and we must be able to ask about every address that a server could be handed.
  static constexpr size_t kMaxDomain = 255;
  static constexpr size_t kMaxAddress = 512 - (sizeof("RCPT TO:<>\r\n") - 1);

  // Parses an address as a person or an SMTP server writes it: `joe@example.com`, `"joe doe"@example.com`,
  // `joe@[192.0.2.1]`, `joe@[IPv6:2001:db8::1]`, `joe@bücher.example` (UTF-8; the domain becomes its A-labels).
  // Surrounding < > are not part of an address. A domain may hold underscores and be a single label, as in the field; a
  // final dot is dropped. An empty local part ("") is refused, and so is text that no terminal shows as it is
  // (base/text.h, PrintableLength). Errors name the byte offset, what was found there and what was expected, as in
  // `byte 3: found " ", expected ...`; their text is printable.
  static absl::StatusOr<Address> Parse(absl::string_view text);

  // Parses an address as Postfix passes it on: the local part without quotes and backslashes, any printable octets, the
  // domain after the last @. Same limits and errors.
  static absl::StatusOr<Address> FromUnquoted(absl::string_view text);

  // For text that is no address: takes the domain after its last @, and no local part. No server is asked about such an
  // address, and nothing is stored under it. Errors as above, also where there is no domain.
  static absl::StatusOr<Address> DomainOf(absl::string_view text);

  // Makes an address that was never parsed; only to be assigned to.
  Address() = default;

  // Without quotes, as written (case kept).
  const std::string& local() const { return local_; }
  // In lower case and A-labels, or a literal: "[192.0.2.1]", "[IPv6:2001:db8::1]" (canonical form of RFC 5952).
  const std::string& domain() const { return domain_; }
  bool domain_is_literal() const { return !domain_.empty() && domain_.front() == '['; }
  // Returns the address inside the brackets, without "IPv6:"; empty for a domain.
  absl::string_view literal_ip() const;
  // Returns true if the local part needs SMTPUTF8 (the domain never does: it is in A-labels).
  bool needs_smtputf8() const;

  // Returns the address for RCPT TO:<...>: the local part quoted where it must be.
  std::string ToSmtp() const;
  // Returns the key of its record: local part without quotes, "@", domain. Never contains a NUL or a control character.
  std::string Key() const;

  friend bool operator==(const Address&, const Address&) = default;

 private:
  Address(std::string local, std::string domain) : local_(std::move(local)), domain_(std::move(domain)) {}
  // Completes the address: `at` is where the @ belongs in `text`.
  static absl::StatusOr<Address> Assemble(absl::string_view text, std::string local, size_t at);

  std::string local_;
  std::string domain_;
};

// Parses a domain (not a literal) into lower case and A-labels, without a trailing dot. Errors as above, offsets within
// `text`.
absl::StatusOr<std::string> ParseDomain(absl::string_view text);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_ADDRESS_H_
