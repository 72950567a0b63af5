#include "cache/store_file.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/owners_rights.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cache/databases.h"
#include "cache/due.h"
#include "cache/lmdb_value.h"
#include "cache/record.h"
#include "cache/store.h"

namespace verifyd {
namespace {

constexpr std::array<absl::string_view, kTables> kEntries = {"record", "domain", "destination", "pin", "breaker"};
constexpr size_t kCopyBuffer = size_t{1} << 20;

absl::Status FileError(const std::string& path, absl::string_view doing, int code) {
  const std::string text = absl::StrCat(path, ": ", doing, ": ", mdb_strerror(code));
  const bool damaged = code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID ||
                       code == MDB_VERSION_MISMATCH || code == MDB_PAGE_FULL || code == MDB_CURSOR_FULL;
  if (code == EACCES || code == EPERM) return absl::PermissionDeniedError(text);
  return damaged ? absl::DataLossError(text) : absl::UnavailableError(text);
}

using Environment = std::unique_ptr<MDB_env, void (*)(MDB_env*)>;

// Opens it read only, as one of its readers. Where no lock table can be written (a file of another user, or on a
// read-only medium) it is opened without one: then nothing can be writing the file either, or we can not know.
absl::StatusOr<Environment> OpenToRead(const std::string& path) {
  Store::GiveToOwnerOfFolder(path);
  const OwnersRights rights(path);
  for (const unsigned more : {0U, static_cast<unsigned>(MDB_NOLOCK)}) {
    MDB_env* made = nullptr;
    if (const int code = mdb_env_create(&made); code != 0) return FileError(path, "cannot open", code);
    Environment env(made, mdb_env_close);
    mdb_env_set_maxdbs(made, kDatabaseNames.size());
    mdb_env_set_mapsize(made, Store::kMapSize);
    const int code = mdb_env_open(made, path.c_str(), MDB_NOSUBDIR | MDB_RDONLY | MDB_NOTLS | more, 0600);
    if (code == 0) return env;
    if ((code != EACCES && code != EROFS) || more != 0) return FileError(path, "cannot open", code);
  }
  return absl::InternalError("unreachable");
}

struct Transaction {
  explicit Transaction(MDB_env* env) : code(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn)) {}
  ~Transaction() {
    if (txn != nullptr) mdb_txn_abort(txn);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  MDB_txn* txn = nullptr;
  int code;
};

class Examiner {
 public:
  Examiner(std::string path, MDB_env* env, const Lifetimes& lifetimes, StoreFile::Fault fault, StoreFile::GoOn go_on)
      : path_(std::move(path)), env_(env), lifetimes_(lifetimes), fault_(fault), go_on_(go_on) {}

  absl::StatusOr<StoreExamination> Run() {
    RETURN_IF_ERROR(OpenDatabases());
    // Breakers of domains are counted with the destinations.
    const std::array<uint64_t*, kTables> counts = {&found_.records, &found_.domains, &found_.destinations, &found_.pins,
                                                   &found_.destinations};
    for (size_t i = 0; i < kTables; ++i) {
      if (!dbi_[i].has_value()) continue;
      const auto table = static_cast<StoreTable>(i);
      RETURN_IF_ERROR(Walk(*dbi_[i], kEntries[i], [&](MDB_txn* txn, absl::string_view key, absl::string_view value) {
        ++*counts[i];
        return ExamineValue(txn, table, key, value);
      }));
    }
    RETURN_IF_ERROR(
        Walk(due_, "entry of the due index", [&](MDB_txn* txn, absl::string_view key, absl::string_view /*value*/) {
          ++found_.dues;
          return ExamineDue(txn, key);
        }));
    // Each value has at least one expiry entry, at whatever time.
    if (unindexed_ > elsewhere_) {
      found_.faults += unindexed_ - elsewhere_;
      fault_("due index", absl::StrCat(unindexed_ - elsewhere_,
                                       " values have no entry there, so they are never cleaned away; the first is ",
                                       first_unindexed_));
    }
    return found_;
  }

 private:
  absl::Status OpenDatabases() {
    Transaction reading(env_);
    if (reading.code != 0) return FileError(path_, "cannot read", reading.code);
    MDB_stat stat;
    for (size_t i = 0; i <= kTables; ++i) {
      const char* const name = kDatabaseNames[i];
      MDB_dbi dbi = 0;
      int code = mdb_dbi_open(reading.txn, name, 0, &dbi);
      if (code == MDB_NOTFOUND && i == kAddedTable) continue;
      if (code == 0) code = mdb_stat(reading.txn, dbi, &stat);
      if (code != 0) return FileError(path_, absl::StrCat("cannot read the database \"", name, "\""), code);
      total_ += stat.ms_entries;
      if (i == kDueIndex) {
        due_ = dbi;
      } else {
        dbi_[i] = dbi;
      }
    }
    // Committing keeps the handles.
    const int code = mdb_txn_commit(std::exchange(reading.txn, nullptr));
    return code == 0 ? absl::OkStatus() : FileError(path_, "cannot read", code);
  }

  // `examine` returns 0 or LMDB's error.
  absl::Status Walk(MDB_dbi dbi, absl::string_view what,
                    absl::FunctionRef<int(MDB_txn* txn, absl::string_view key, absl::string_view value)> examine) {
    std::string after;
    for (bool more = true; more;) {
      const Transaction reading(env_);
      int code = reading.code;
      MDB_cursor* cursor = nullptr;
      if (code == 0) code = mdb_cursor_open(reading.txn, dbi, &cursor);
      const std::unique_ptr<MDB_cursor, void (*)(MDB_cursor*)> closing(cursor, mdb_cursor_close);
      MDB_val key{after.size(), after.data()};
      MDB_val value;
      if (code == 0) code = mdb_cursor_get(cursor, &key, &value, after.empty() ? MDB_FIRST : MDB_SET_RANGE);
      if (code == 0 && ToView(key) == after) code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
      for (size_t left = StoreFile::kSlice; code == 0 && left > 0; --left) {
        // A damaged tree may lead in circles.
        if (ToView(key) <= after) return absl::DataLossError(absl::StrCat(path_, ": a ", what, " is out of order"));
        after = std::string(ToView(key));
        ++done_;
        code = examine(reading.txn, after, ToView(value));
        if (code == 0) code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
      }
      if (code != 0 && code != MDB_NOTFOUND) return FileError(path_, absl::StrCat("cannot read a ", what), code);
      more = code == 0;
      if (!go_on_(done_, total_)) return absl::CancelledError("stopped");
    }
    return absl::OkStatus();
  }

  absl::Status Decoded(StoreTable table, absl::string_view key, absl::string_view value) const {
    switch (table) {
      case StoreTable::kRecords:
        return DecodeRecord(value).status();
      case StoreTable::kDomains:
        return DecodeDomainFact(key, value).status();
      case StoreTable::kDestinations:
        return DecodeDestinationState(key, value).status();
      case StoreTable::kPins:
        return DecodePin(value).status();
      case StoreTable::kBreakers:
        return DecodeDomainBreaker(key, value).status();
    }
    return absl::OkStatus();
  }

  int ExamineValue(MDB_txn* txn, StoreTable table, absl::string_view key, absl::string_view value) {
    const std::string where = absl::StrCat(kEntries[static_cast<size_t>(table)], " ", Printable(key, Store::kMaxKey));
    if (key.size() > Store::kMaxKey) Fault(where, absl::StrCat("its key has ", key.size(), " bytes"));
    if (const absl::Status status = Decoded(table, key, value); !status.ok()) {
      Fault(where, absl::StrCat("it can not be read and counts as absent: ", status.message()));
      return 0;
    }
    for (const Due& due : DuesOf(table, key, value, lifetimes_)) {
      std::string entry = due.Encode();
      MDB_val name{entry.size(), entry.data()};
      MDB_val nothing;
      const int code = mdb_get(txn, due_, &name, &nothing);
      if (code == 0) continue;
      if (code != MDB_NOTFOUND) return code;
      if (due.kind == DueKind::kProbe) {
        Fault(where, "its next probe is not in the due index, so it is not made unasked");
      } else if (unindexed_++ == 0) {
        first_unindexed_ = where;
      }
    }
    return 0;
  }

  static StoreTable TableOf(DueKind kind) {
    switch (kind) {
      case DueKind::kProbe:
      case DueKind::kRecordExpiry:
        return StoreTable::kRecords;
      case DueKind::kDomainExpiry:
        return StoreTable::kDomains;
      case DueKind::kDestinationExpiry:
        return StoreTable::kDestinations;
      case DueKind::kBreakerExpiry:
        return StoreTable::kBreakers;
    }
    return StoreTable::kRecords;
  }

  int ExamineDue(MDB_txn* txn, absl::string_view key) {
    const std::optional<Due> due = Due::Decode(key);
    if (!due.has_value()) {
      Fault("due index", absl::StrCat("an entry of ", key.size(), " bytes can not be read"));
      return 0;
    }
    const StoreTable table = TableOf(due->kind);
    const std::optional<MDB_dbi> dbi = dbi_[static_cast<size_t>(table)];
    std::string about = due->key;
    MDB_val name{about.size(), about.data()};
    MDB_val value;
    const int code = about.empty() || !dbi.has_value() ? MDB_NOTFOUND : mdb_get(txn, *dbi, &name, &value);
    if (code != 0 && code != MDB_NOTFOUND) return code;
    bool known = false;
    if (code == 0) {
      for (const Due& true_due : DuesOf(table, about, ToView(value), lifetimes_)) {
        if (true_due.kind != due->kind) continue;
        known = true;
        if (true_due.Encode() == key) return 0;
      }
    }
    if (due->kind == DueKind::kProbe) {
      Fault(absl::StrCat("due index, ", Printable(about, Store::kMaxKey)),
            "a probe is planned that no record asks for");
    } else if (known) {
      ++found_.other_lifetimes;
      ++elsewhere_;
    } else {
      ++found_.left_over;
    }
    return 0;
  }

  void Fault(absl::string_view where, absl::string_view what) {
    ++found_.faults;
    fault_(where, what);
  }

  const std::string path_;
  MDB_env* const env_;
  const Lifetimes& lifetimes_;
  const StoreFile::Fault fault_;
  const StoreFile::GoOn go_on_;
  std::array<std::optional<MDB_dbi>, kTables> dbi_;  // none: the file is older than the table
  MDB_dbi due_ = 0;
  uint64_t total_ = 0;
  uint64_t done_ = 0;
  uint64_t unindexed_ = 0;  // values without an entry at the time of today's lifetimes
  uint64_t elsewhere_ = 0;  // entries of values at another time
  std::string first_unindexed_;
  StoreExamination found_;
};

absl::Status SystemError(const std::string& path, absl::string_view doing) {
  const int code = errno;
  const std::string text = absl::StrCat(path, ": ", doing, ": ", std::strerror(code));
  return code == EACCES || code == EPERM ? absl::PermissionDeniedError(text) : absl::UnavailableError(text);
}

// LMDB writes into the pipe, so that its output can be counted and stopped anywhere.
class Copier {
 public:
  explicit Copier(MDB_env* env) : env_(env) {}
  ~Copier() {
    // The writer ends when it has no reader.
    if (ends_[0] >= 0) ::close(ends_[0]);
    if (thread_.joinable()) thread_.join();
  }
  Copier(const Copier&) = delete;
  Copier& operator=(const Copier&) = delete;

  absl::Status WriteTo(int fd, const std::string& to, uint64_t total, StoreFile::GoOn go_on) {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) return SystemError(to, "cannot make a pipe");
    thread_ = std::thread([this] {
      // No signals to this thread, nor to the one that LMDB makes in it.
      sigset_t quiet;
      sigfillset(&quiet);
      ::pthread_sigmask(SIG_BLOCK, &quiet, nullptr);
      code_ = mdb_env_copyfd2(env_, ends_[1], MDB_CP_COMPACT);
      ::close(ends_[1]);
    });
    std::vector<char> buffer(kCopyBuffer);
    uint64_t done = 0;
    for (;;) {
      const ssize_t got = ::read(ends_[0], buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return SystemError(to, "cannot read from the pipe");
      if (got == 0) break;
      for (ssize_t put = 0; put < got;) {
        const ssize_t written = ::write(fd, buffer.data() + put, static_cast<size_t>(got - put));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return SystemError(to, "cannot write");
        put += written;
      }
      done += static_cast<uint64_t>(got);
      if (!go_on(done, total)) return absl::CancelledError("stopped");
    }
    thread_.join();
    return code_ == 0 ? absl::OkStatus() : FileError(to, "cannot copy", code_);
  }

 private:
  MDB_env* const env_;
  std::array<int, 2> ends_{-1, -1};
  int code_ = 0;
  std::thread thread_;
};

absl::Status SyncFolder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError(path, "cannot open its folder");
  const int synced = ::fsync(fd);
  absl::Status status = synced == 0 ? absl::OkStatus() : SystemError(path, "cannot sync its folder");
  ::close(fd);
  return status;
}

}  // namespace

absl::Status StoreFile::CheckFormat(const std::string& path) {
  const absl::Status opened = Store::Open(path, absl::Now()).status();
  return opened.ok() || absl::IsPermissionDenied(opened) ? opened : absl::DataLossError(opened.message());
}

absl::StatusOr<StoreExamination> StoreFile::Examine(const std::string& path, const Lifetimes& lifetimes, Fault fault,
                                                    GoOn go_on) {
  ASSIGN_OR_RETURN(const Environment env, OpenToRead(path));
  return Examiner(path, env.get(), lifetimes, fault, go_on).Run();
}

absl::Status StoreFile::Copy(const std::string& from, const std::string& to, GoOn go_on) {
  ASSIGN_OR_RETURN(const Environment env, OpenToRead(from));
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env.get(), &info);
  mdb_env_stat(env.get(), &stat);
  if (::access(to.c_str(), F_OK) == 0) return absl::AlreadyExistsError(absl::StrCat(to, " is there already"));
  // Overwrites the remains of an earlier copy; nothing else writes such names.
  const std::string part = absl::StrCat(to, ".part");
  const int fd = ::open(part.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return SystemError(part, "cannot make it");
  absl::Status status =
      Copier(env.get()).WriteTo(fd, part, (info.me_last_pgno + 1) * static_cast<uint64_t>(stat.ms_psize), go_on);
  if (status.ok() && ::fsync(fd) != 0) status = SystemError(part, "cannot sync it");
  ::close(fd);
  if (status.ok() && ::rename(part.c_str(), to.c_str()) != 0) status = SystemError(to, "cannot rename to it");
  if (!status.ok()) {
    ::unlink(part.c_str());
    return status;
  }
  return SyncFolder(to);
}

}  // namespace verifyd
