// Pseudonyms: what stands for an address where it may not be kept or logged. The domain stays in clear; the local part
// becomes "#" and 32 hexadecimal digits of a keyed hash (HMAC-SHA256) of the address, so that the same address has the
// same pseudonym, and who lacks the key can not even try out addresses. A pseudonym is an address itself, by its form.
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
  // With the key that `path` holds. A missing file is made (mode 0600) where `make` is set. Errors name the file: it
  // can not be read or made, is no key, or may be read by others than its owner.
  static absl::StatusOr<Pseudonyms> Open(const std::string& path, bool make);

  // With a key that nobody keeps.
  static Pseudonyms OfThisRun();

  // Of "local@domain". What has no local part is left as it is, and so is what is a pseudonym already.
  std::string Of(absl::string_view address) const;

 private:
  std::string key_;
};

// True if `address` has the form of a pseudonym.
bool IsPseudonym(absl::string_view address);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_PSEUDONYM_H_
