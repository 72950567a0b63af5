#include "verifyctl/postfix_cache.h"

#include <fcntl.h>
#include <lmdb.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "cache/lmdb_value.h"
#include "classifier/stock_report.h"
#include "mail/address.h"
#include "mail/finding.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_record.h"

namespace verifyd {
namespace {

constexpr absl::string_view kCleanupKey = "_LAST_CACHE_CLEANUP_COMPLETED_";
// The part that is shown of an entry that can not be read.
constexpr size_t kShown = 80;
constexpr absl::Duration kLockPause = absl::Milliseconds(10);
// Address space: more than a file of verify(8) has.
constexpr size_t kMapSize = sizeof(void*) > 4 ? size_t{64} << 30 : size_t{256} << 20;

// Reads "host mx.example.com[192.0.2.1] said: ...", "connect to mx.example.com[192.0.2.1]:25: ...", "host ... refused
// to ...".
void FindServer(absl::string_view text, Finding& finding) {
  finding.mx_name.clear();
  finding.mx_address.clear();
  if (!absl::ConsumePrefix(&text, "host ") && !absl::ConsumePrefix(&text, "connect to ")) return;
  const size_t open = text.find('[');
  const size_t close = text.find(']');
  if (open == absl::string_view::npos || close == absl::string_view::npos || close < open) return;
  if (text.substr(0, open).find(' ') != absl::string_view::npos) return;
  finding.mx_name = Printable(text.substr(0, open), kShown);
  finding.mx_address = Printable(text.substr(open + 1, close - open - 1), kShown);
}

// verify(8) writes an underscore for each colon. This undoes it in a literal, which has no underscore of its own.
std::string AddressOf(absl::string_view key) {
  std::string address(key);
  const size_t literal = address.rfind("@[IPv6_");
  if (literal == std::string::npos) return address;
  std::replace(address.begin() + static_cast<std::ptrdiff_t>(literal), address.end(), '_', ':');
  return address;
}

absl::Status NoEntry(absl::string_view value) {
  return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(value, kShown),
                                                 "\", expected STATUS:PROBED:UPDATED:TEXT as verify(8) has it"));
}

absl::string_view WithoutNul(absl::string_view bytes) { return absl::StripSuffix(bytes, absl::string_view("\0", 1)); }

}  // namespace

absl::StatusOr<std::optional<std::string>> PostfixRecord(const Classifier& classifier, absl::string_view key,
                                                         absl::string_view value) {
  if (key == kCleanupKey) return std::nullopt;
  const std::vector<absl::string_view> fields = absl::StrSplit(value, absl::MaxSplits(':', 3));
  int status = 0;
  int64_t probed = 0;
  int64_t updated = 0;
  if (fields.size() != 4 || !absl::SimpleAtoi(fields[0], &status) || !absl::SimpleAtoi(fields[1], &probed) ||
      !absl::SimpleAtoi(fields[2], &updated) || status < 0 || status > 3 || probed < 0 || updated < 0) {
    return NoEntry(value);
  }
  if (status == static_cast<int>(RecipientStatus::kTodo) || updated == 0) return std::nullopt;
  const absl::string_view text = fields[3];
  const std::string name = AddressOf(key);
  const absl::StatusOr<Address> address = Address::FromUnquoted(name);
  Finding finding =
      JudgeStockReport(classifier, static_cast<RecipientStatus>(status), text,
                       Marks{.recipient = address.ok() ? &*address : nullptr}, absl::FromUnixSeconds(updated));
  FindServer(text, finding);
  finding.source = FindingSource::kImport;
  ShownEntry entry{.address = name};
  entry.record.emplace().finding = {.status = DeliverabilityName(finding.deliverability), .finding = {Shown(finding)}};
  return boost::json::serialize(AsJson(entry));
}

struct PostfixCacheFile::Impl {
  Impl(std::string file, absl::Duration patience) : path(std::move(file)), patience(patience) {}
  ~Impl() {
    if (env != nullptr) mdb_env_close(env);
    if (fd >= 0) ::close(fd);
  }

  absl::Status Error(absl::string_view doing, int code) const {
    return absl::UnavailableError(absl::StrCat(path, ": ", doing, ": ", mdb_strerror(code)));
  }
  // Waits for a writer, but not for ever. Descriptors of one process share their locks, so the environment must stay
  // open under it.
  absl::Status Lock() const {
    struct flock lock {};
    lock.l_whence = SEEK_SET;
    for (absl::Duration waited;; waited += kLockPause) {
      lock.l_type = F_RDLCK;
      if (::fcntl(fd, F_SETLK, &lock) == 0) return absl::OkStatus();
      if (errno != EAGAIN && errno != EACCES && errno != EINTR) return Error("cannot lock", errno);
      if (waited >= patience) break;
      absl::SleepFor(kLockPause);
    }
    const bool known = ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    return absl::UnavailableError(absl::StrCat(path, ": locked for ", absl::FormatDuration(patience),
                                               known ? absl::StrCat(" by process ", lock.l_pid) : ""));
  }
  void Unlock() const {
    struct flock lock {};
    lock.l_type = F_UNLCK;
    lock.l_whence = SEEK_SET;
    ::fcntl(fd, F_SETLK, &lock);
  }

  const std::string path;
  const absl::Duration patience;
  int fd = -1;
  MDB_env* env = nullptr;
  MDB_dbi dbi = 0;
};

PostfixCacheFile::PostfixCacheFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PostfixCacheFile::~PostfixCacheFile() = default;

absl::StatusOr<std::unique_ptr<PostfixCacheFile>> PostfixCacheFile::Open(const std::string& path,
                                                                         absl::Duration patience) {
  auto impl = std::make_unique<Impl>(path, patience);
  impl->fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (impl->fd < 0) return impl->Error("cannot open", errno);
  RETURN_IF_ERROR(impl->Lock());
  uint64_t entries = 0;
  bool ours = false;
  const int code = [&] {
    if (const int made = mdb_env_create(&impl->env); made != 0) return made;
    mdb_env_set_maxdbs(impl->env, 1);
    mdb_env_set_mapsize(impl->env, kMapSize);
    int code = mdb_env_open(impl->env, path.c_str(), MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0);
    MDB_txn* txn = nullptr;
    if (code == 0) code = mdb_txn_begin(impl->env, nullptr, MDB_RDONLY, &txn);
    if (code != 0) return code;
    MDB_dbi named = 0;
    MDB_stat stat;
    ours = mdb_dbi_open(txn, "records", 0, &named) == 0;
    code = mdb_dbi_open(txn, nullptr, 0, &impl->dbi);
    if (code == 0) code = mdb_stat(txn, impl->dbi, &stat);
    if (code == 0) entries = stat.ms_entries;
    mdb_txn_abort(txn);
    return code;
  }();
  impl->Unlock();
  if (code != 0) return impl->Error("cannot read", code);
  if (ours) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": a cache of verifyd, expected one of Postfix; `restore` takes it as a whole, `export` as records"));
  }
  std::unique_ptr<PostfixCacheFile> file(new PostfixCacheFile(std::move(impl)));
  file->entries_ = entries;
  return file;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> PostfixCacheFile::Next() {
  std::vector<std::pair<std::string, std::string>> entries;
  RETURN_IF_ERROR(impl_->Lock());
  const int code = [&] {
    MDB_txn* txn = nullptr;
    MDB_cursor* cursor = nullptr;
    int code = mdb_txn_begin(impl_->env, nullptr, MDB_RDONLY, &txn);
    if (code != 0) return code;
    code = mdb_cursor_open(txn, impl_->dbi, &cursor);
    MDB_val key{after_.size(), after_.data()};
    MDB_val value;
    if (code == 0) code = mdb_cursor_get(cursor, &key, &value, after_.empty() ? MDB_FIRST : MDB_SET_RANGE);
    if (code == 0 && ToView(key) == after_) code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    while (code == 0 && entries.size() < kSlice) {
      entries.emplace_back(ToView(key), ToView(value));
      code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (cursor != nullptr) mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return code == MDB_NOTFOUND ? 0 : code;
  }();
  impl_->Unlock();
  if (code != 0) return impl_->Error("cannot read", code);
  if (!entries.empty()) after_ = entries.back().first;
  for (auto& [key, value] : entries) {
    key = std::string(WithoutNul(key));
    value = std::string(WithoutNul(value));
  }
  return entries;
}

}  // namespace verifyd
