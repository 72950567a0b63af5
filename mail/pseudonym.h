// Pseudonyms: each stands for an address where the address may not be kept or logged. The domain stays in clear; the
// local part becomes "#" and 32 hexadecimal digits of a keyed hash (HMAC-SHA256) of the address. The same address
// always has the same pseudonym, and nobody without the key can try out addresses. A pseudonym has the form of an
// address.
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_PSEUDONYM_H_
#define VERIFYD_MAIL_PSEUDONYM_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

class Pseudonyms {
 public:
  static constexpr size_t kKeyBytes = 32;
  static constexpr char kMark = '#';

  explicit Pseudonyms(std::string key) : key_(std::move(key)) {}
  // Opens them with the key that `path` holds. A missing file is made (mode 0600) where `make` is set. Errors name the
  // file: it can not be read or made, holds no key, or may be read by others than its owner.
  static absl::StatusOr<Pseudonyms> Open(const std::string& path, bool make);

  // Makes them with a key that is never stored.
  static Pseudonyms OfThisRun();

  // Returns the pseudonym of "local@domain". Text without a local part, or a pseudonym, is left as it is.
  std::string Of(absl::string_view address) const;

 private:
  std::string key_;
};

// Returns true if `address` has the form of a pseudonym.
bool IsPseudonym(absl::string_view address);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_PSEUDONYM_H_
