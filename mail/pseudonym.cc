#include "mail/pseudonym.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace verifyd {
namespace {

constexpr size_t kDigits = 32;

absl::Status FileError(const std::string& path, absl::string_view doing) {
  return absl::UnavailableError(absl::StrCat(path, ": ", doing, ": ", std::strerror(errno)));
}

std::string RandomKey() {
  std::string key(Pseudonyms::kKeyBytes, '\0');
  // It fails only where the system has no randomness at all.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1) std::abort();
  return key;
}

// Succeeds also if another process made it first.
absl::Status MakeKeyFile(const std::string& path) {
  const std::string key = RandomKey();
  // The file is linked to its name when it is whole, so that it is never seen half written.
  const std::string fresh = absl::StrCat(path, ".", ::getpid());
  ::unlink(fresh.c_str());  // left by a run that was killed here
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return FileError(fresh, "cannot make the key");
  const absl::Cleanup forget = [&] { ::unlink(fresh.c_str()); };
  const bool written = ::write(fd, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written) return FileError(fresh, "cannot write the key");
  if (::link(fresh.c_str(), path.c_str()) != 0 && errno != EEXIST) return FileError(path, "cannot make the key");
  return absl::OkStatus();
}

}  // namespace

Pseudonyms Pseudonyms::OfThisRun() { return Pseudonyms(RandomKey()); }

absl::StatusOr<Pseudonyms> Pseudonyms::Open(const std::string& path, bool make) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT && make) {
    if (absl::Status made = MakeKeyFile(path); !made.ok()) return made;
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  }
  if (fd < 0) return FileError(path, "cannot read the key");
  const absl::Cleanup close = [&] { ::close(fd); };
  struct stat about {};
  if (::fstat(fd, &about) != 0) return FileError(path, "cannot read the key");
  if ((about.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: mode %04o, expected 0600: others may read the key", path, about.st_mode & 07777));
  }
  std::array<char, kKeyBytes + 1> bytes;
  const ssize_t size = ::read(fd, bytes.data(), bytes.size());
  if (size < 0) return FileError(path, "cannot read the key");
  if (static_cast<size_t>(size) != kKeyBytes) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": not a key: found ", size > 32 ? "more than " : "",
                                                      std::min<ssize_t>(size, 32), " bytes, expected ", kKeyBytes));
  }
  return Pseudonyms(std::string(bytes.data(), kKeyBytes));
}

std::string Pseudonyms::Of(absl::string_view address) const {
  const size_t at = address.rfind('@');
  const absl::string_view local = address.substr(0, at);
  if (local.empty() || IsPseudonym(address)) return std::string(address);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(address.data()),
       address.size(), hash.data(), &size);
  const absl::string_view half(reinterpret_cast<const char*>(hash.data()), kDigits / 2);
  return absl::StrCat(std::string(1, kMark), absl::BytesToHexString(half),
                      at == absl::string_view::npos ? "" : address.substr(at));
}

bool IsPseudonym(absl::string_view address) {
  if (address.size() < kDigits + 1 || address.front() != Pseudonyms::kMark) return false;
  if (address.size() > kDigits + 1 && address[kDigits + 1] != '@') return false;
  for (const char c : address.substr(1, kDigits)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c)) && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

}  // namespace verifyd
