#include "cache/store.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <shared_mutex>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/disk_space.h"
#include "base/made_file.h"
#include "base/owners_rights.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cache/databases.h"
#include "cache/lmdb_value.h"

namespace verifyd {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr size_t kSmallestMap = size_t{16} << 20;
constexpr int kGrowthsPerWrite = 4;

constexpr absl::string_view kFormatKey = "format";
constexpr absl::string_view kCreatedKey = "created";
constexpr absl::string_view kLastCleanupKey = "last_cleanup";
constexpr absl::string_view kFormatMark = "verifyd cache format ";

MDB_val ToVal(absl::string_view s) { return {s.size(), const_cast<char*>(s.data())}; }

absl::Status ErrorOf(absl::string_view path, absl::string_view doing, int code) {
  // LMDB's own codes are below zero; the others are those of the system.
  const std::string why = code > 0 ? WriteErrorText(std::string(path), code) : std::string(mdb_strerror(code));
  const std::string text = absl::StrCat(path, ": ", doing, ": ", why);
  return code == EACCES || code == EPERM ? absl::PermissionDeniedError(text) : absl::UnavailableError(text);
}

// A tool that root runs must not leave a lock table that the daemon may not write.
void GiveToOwnerOf(const std::string& path, const std::string& lock) {
  struct stat file {};
  if (::geteuid() != 0 || ::stat(path.c_str(), &file) != 0 || file.st_uid == 0) return;
  if (absl::StatusOr<MadeFile> made = MadeFile::Find(lock, S_IFREG); made.ok()) {
    made->SetOwner(file.st_uid, file.st_gid).IgnoreError();
  }
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

struct Store::Impl {
  std::string path;
  MDB_env* env = nullptr;
  std::array<MDB_dbi, kDatabaseNames.size()> dbi{};
  // Kept between look-ups, reset: it pins no page, and renewing it is cheaper than beginning one.
  MDB_txn* reader = nullptr;
  // How many Readings share it just now, and the code that its begin returned.
  int readings = 0;
  int reading_code = 0;
  // Remembers whether a table was empty in a state of the store; LMDB numbers the states.
  struct Emptiness {
    size_t state = 0;
    bool empty = false;
  };
  std::array<Emptiness, kTables> emptiness{};
  // Shared while a read transaction is open, exclusive while the map is moved: LMDB would move it under the reader.
  std::shared_mutex map_fence;
  std::atomic<uint64_t> growths{0};
  off_t largest = 0;  // largest size seen: LMDB never makes the file smaller

  ~Impl() {
    if (reader != nullptr) mdb_txn_abort(reader);
    if (env != nullptr) mdb_env_close(env);
  }

  absl::Status Error(absl::string_view doing, int code) const { return ErrorOf(path, doing, code); }
  absl::Status OpenEnvironment(size_t map_size);
  absl::StatusOr<bool> OpenTables();
  absl::Status CheckFormat(MDB_txn* txn);
  absl::Status CreateTables(absl::Time now);
  absl::Status MoveMap(int reason);
  absl::Status WriteOnce(absl::FunctionRef<absl::Status(Changes&)> change, int& map_code);
};

struct Store::Changes::State {
  Impl& impl;
  MDB_txn* txn;
  // MDB_MAP_FULL, once a change met it.
  int map_code = 0;

  absl::Status Check(absl::string_view doing, int code) {
    if (code == 0) return absl::OkStatus();
    if (code == MDB_MAP_FULL) map_code = code;
    return impl.Error(doing, code);
  }
};

namespace {

class Cursor {
 public:
  Cursor(MDB_txn* txn, MDB_dbi dbi) : code_(mdb_cursor_open(txn, dbi, &cursor_)) {}
  ~Cursor() {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  // Returns 0, MDB_NOTFOUND at the end, or an error.
  int Get(MDB_val& key, MDB_val& value, MDB_cursor_op operation) {
    return code_ != 0 ? code_ : mdb_cursor_get(cursor_, &key, &value, operation);
  }

 private:
  MDB_cursor* cursor_ = nullptr;
  int code_;
};

// Returns 0, or LMDB's error.
int ReadDues(MDB_txn* txn, MDB_dbi dbi, DueKind kind, absl::string_view after, absl::Time before, size_t limit,
             std::vector<Due>& dues) {
  Cursor cursor(txn, dbi);
  const std::string from = after.empty() ? std::string(1, static_cast<char>(kind)) : std::string(after);
  MDB_val key = ToVal(from);
  MDB_val value;
  int code = cursor.Get(key, value, MDB_SET_RANGE);
  if (code == 0 && !after.empty() && ToView(key) == after) code = cursor.Get(key, value, MDB_NEXT);
  for (; code == 0 && dues.size() < limit; code = cursor.Get(key, value, MDB_NEXT)) {
    std::optional<Due> due = Due::Decode(ToView(key));
    if (!due.has_value() || due->kind != kind || due->when >= before) break;
    dues.push_back(*std::move(due));
  }
  return code == MDB_NOTFOUND ? 0 : code;
}

// Returns 0, or LMDB's error.
int CountUsedBytes(MDB_txn* txn, absl::Span<const MDB_dbi> databases, uint64_t& bytes) {
  bytes = 0;
  for (const MDB_dbi dbi : databases) {
    MDB_stat stat;
    if (const int code = mdb_stat(txn, dbi, &stat); code != 0) return code;
    bytes += (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
  }
  return 0;
}

}  // namespace

void Store::GiveToOwnerOfFolder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  struct stat info {};
  if (::geteuid() != 0 || ::stat(folder.empty() ? "." : folder.c_str(), &info) != 0 || info.st_uid == 0) return;
  for (const std::string& file : {path, absl::StrCat(path, "-lock")}) {
    if (absl::StatusOr<MadeFile> made = MadeFile::Find(file, S_IFREG); made.ok()) {
      made->SetOwner(info.st_uid, info.st_gid).IgnoreError();
    }
  }
}

absl::Status Store::Impl::OpenEnvironment(size_t map_size) {
  GiveToOwnerOfFolder(path);
  const OwnersRights rights(path);
  for (;; map_size /= 2) {
    if (const int code = mdb_env_create(&env); code != 0) return Error("cannot open", code);
    mdb_env_set_maxdbs(env, kDatabaseNames.size());
    mdb_env_set_mapsize(env, map_size);
    const int code = mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOTLS | MDB_NOMETASYNC, kFileMode);
    if (code == 0) return absl::OkStatus();
    mdb_env_close(env);
    env = nullptr;
    if (code == MDB_INVALID || code == MDB_VERSION_MISMATCH) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, ": not a cache of verifyd (no LMDB file that can be read here); it is left alone"));
    }
    if (code != ENOMEM || map_size / 2 < kSmallestMap) return Error("cannot open", code);
  }
}

absl::Status Store::Impl::CheckFormat(MDB_txn* txn) {
  MDB_val key = ToVal(kFormatKey);
  MDB_val value;
  absl::string_view mark;
  if (const int code = mdb_get(txn, dbi[kMeta], &key, &value); code == 0) {
    mark = ToView(value);
  } else if (code != MDB_NOTFOUND) {
    return Error("cannot read the format mark", code);
  }
  int format = 0;
  if (!absl::ConsumePrefix(&mark, kFormatMark) || !absl::SimpleAtoi(mark, &format)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": not a cache of verifyd (it has no format mark); it is left alone"));
  }
  if (format == kFormat) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(path, ": a cache of format ", format,
                                                    "; this version of verifyd knows format ", kFormat,
                                                    " only; it is left alone"));
}

// False if tables must be made: the file is wholly empty, so that it may become ours, or an older version made it,
// which did not know them all.
absl::StatusOr<bool> Store::Impl::OpenTables() {
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn); code != 0) return Error("cannot read", code);
  absl::StatusOr<bool> found = [&]() -> absl::StatusOr<bool> {
    MDB_dbi root = 0;
    MDB_stat stat;
    int code = mdb_dbi_open(txn, nullptr, 0, &root);
    if (code == 0) code = mdb_stat(txn, root, &stat);
    if (code != 0) return Error("cannot read", code);
    if (stat.ms_entries == 0) return false;
    code = mdb_dbi_open(txn, kDatabaseNames[kMeta], 0, &dbi[kMeta]);
    if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, ": not a cache of verifyd (an LMDB file of something else); it is left alone"));
    }
    if (code != 0) return Error("cannot read", code);
    RETURN_IF_ERROR(CheckFormat(txn));
    for (size_t i = 0; i < kMeta; ++i) {
      code = mdb_dbi_open(txn, kDatabaseNames[i], 0, &dbi[i]);
      if (code == MDB_NOTFOUND && i == kAddedTable) return false;
      if (code != 0) return Error(absl::StrCat("cannot open the database \"", kDatabaseNames[i], "\""), code);
    }
    return true;
  }();
  if (!found.ok() || !*found) {
    mdb_txn_abort(txn);
    return found;
  }
  // Committing keeps the handles.
  if (const int code = mdb_txn_commit(txn); code != 0) return Error("cannot read", code);
  return true;
}

absl::Status Store::Impl::CreateTables(absl::Time now) {
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env, nullptr, 0, &txn); code != 0) return Error("cannot write", code);
  const int code = [&] {
    for (size_t i = 0; i < kDatabaseNames.size(); ++i) {
      if (const int open = mdb_dbi_open(txn, kDatabaseNames[i], MDB_CREATE, &dbi[i]); open != 0) return open;
    }
    const std::string mark = absl::StrCat(kFormatMark, kFormat);
    const std::string created = absl::StrCat(absl::ToUnixSeconds(now));
    for (const auto& [name, text] : {std::pair<absl::string_view, absl::string_view>{kFormatKey, mark},
                                     std::pair<absl::string_view, absl::string_view>{kCreatedKey, created}}) {
      MDB_val key = ToVal(name);
      MDB_val value = ToVal(text);
      // Another process may have been first.
      const int put = mdb_put(txn, dbi[kMeta], &key, &value, MDB_NOOVERWRITE);
      if (put != 0 && put != MDB_KEYEXIST) return put;
    }
    return 0;
  }();
  if (code != 0) {
    mdb_txn_abort(txn);
    return Error("cannot write", code);
  }
  if (const int commit = mdb_txn_commit(txn); commit != 0) return Error("cannot write", commit);
  return absl::OkStatus();
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path, absl::Time now, size_t map_size) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  const std::string lock = absl::StrCat(path, "-lock");
  const bool had_lock = Exists(lock);
  const absl::Status opened = impl->OpenEnvironment(map_size);
  const absl::StatusOr<bool> found = opened.ok() ? impl->OpenTables() : opened;
  if (!found.ok()) {
    impl.reset();
    // Leave nothing of ours beside a file that is not ours.
    if (absl::IsFailedPrecondition(found.status()) && !had_lock) ::unlink(lock.c_str());
    return found.status();
  }
  if (!had_lock) GiveToOwnerOf(path, lock);
  if (!*found) RETURN_IF_ERROR(impl->CreateTables(now));
  int dead = 0;
  mdb_reader_check(impl->env, &dead);
  if (const int code = mdb_txn_begin(impl->env, nullptr, MDB_RDONLY, &impl->reader); code != 0) {
    return impl->Error("cannot read", code);
  }
  mdb_txn_reset(impl->reader);
  auto store = std::unique_ptr<Store>(new Store(std::move(impl)));
  store->Look();
  return store;
}

Store::Reading::Reading(Store& store) : impl_(*store.impl_) {
  if (impl_.readings++ > 0) return;
  impl_.map_fence.lock_shared();
  impl_.reading_code = mdb_txn_renew(impl_.reader);
}

Store::Reading::~Reading() {
  if (--impl_.readings > 0) return;
  if (impl_.reading_code == 0) mdb_txn_reset(impl_.reader);
  impl_.map_fence.unlock_shared();
}

int Store::Reading::code() const { return impl_.reading_code; }

absl::StatusOr<bool> Store::Find(StoreTable table, absl::string_view key,
                                 absl::FunctionRef<void(absl::string_view value)> use) {
  if (key.empty() || key.size() > kMaxKey) return false;
  const Reading reading(*this);
  if (reading.code() != 0) return impl_->Error("cannot read", reading.code());
  MDB_val name = ToVal(key);
  MDB_val value;
  const int code = mdb_get(impl_->reader, impl_->dbi[static_cast<size_t>(table)], &name, &value);
  if (code == MDB_NOTFOUND) return false;
  if (code != 0) return impl_->Error("cannot read", code);
  use(ToView(value));
  return true;
}

bool Store::Empty(StoreTable table) {
  const Reading reading(*this);
  if (reading.code() != 0) return false;
  Impl::Emptiness& known = impl_->emptiness[static_cast<size_t>(table)];
  const size_t state = mdb_txn_id(impl_->reader);
  if (known.state != state) {
    MDB_stat stat;
    if (mdb_stat(impl_->reader, impl_->dbi[static_cast<size_t>(table)], &stat) != 0) return false;
    known = {.state = state, .empty = stat.ms_entries == 0};
  }
  return known.empty;
}

absl::StatusOr<std::vector<Due>> Store::DuesAfter(DueKind kind, absl::string_view after, size_t limit) {
  const Reading reading(*this);
  if (reading.code() != 0) return impl_->Error("cannot read", reading.code());
  std::vector<Due> dues;
  const int code = ReadDues(impl_->reader, impl_->dbi[kDueIndex], kind, after, absl::InfiniteFuture(), limit, dues);
  if (code != 0) return impl_->Error("cannot read", code);
  return dues;
}

absl::Status Store::ForEach(StoreTable table,
                            absl::FunctionRef<void(absl::string_view key, absl::string_view value)> use) {
  const Reading reading(*this);
  if (reading.code() != 0) return impl_->Error("cannot read", reading.code());
  Cursor cursor(impl_->reader, impl_->dbi[static_cast<size_t>(table)]);
  MDB_val key;
  MDB_val value;
  int code = cursor.Get(key, value, MDB_FIRST);
  for (; code == 0; code = cursor.Get(key, value, MDB_NEXT)) use(ToView(key), ToView(value));
  return code == MDB_NOTFOUND ? absl::OkStatus() : impl_->Error("cannot read", code);
}

absl::StatusOr<bool> Store::ForSome(StoreTable table, absl::string_view after, size_t limit,
                                    absl::FunctionRef<void(absl::string_view key, absl::string_view value)> use) {
  const Reading reading(*this);
  if (reading.code() != 0) return impl_->Error("cannot read", reading.code());
  Cursor cursor(impl_->reader, impl_->dbi[static_cast<size_t>(table)]);
  MDB_val key = ToVal(after);
  MDB_val value;
  int code = cursor.Get(key, value, after.empty() ? MDB_FIRST : MDB_SET_RANGE);
  if (code == 0 && ToView(key) == after) code = cursor.Get(key, value, MDB_NEXT);
  for (; code == 0 && limit > 0; code = cursor.Get(key, value, MDB_NEXT), --limit) use(ToView(key), ToView(value));
  if (code != 0 && code != MDB_NOTFOUND) return impl_->Error("cannot read", code);
  return code == 0;
}

absl::StatusOr<StoreUsage> Store::Usage() {
  const Reading reading(*this);
  if (reading.code() != 0) return impl_->Error("cannot read", reading.code());
  StoreUsage usage;
  for (const auto& [table, count] : {std::pair<StoreTable, uint64_t*>{StoreTable::kRecords, &usage.records},
                                     std::pair<StoreTable, uint64_t*>{StoreTable::kDomains, &usage.domains}}) {
    MDB_stat stat;
    const int code = mdb_stat(impl_->reader, impl_->dbi[static_cast<size_t>(table)], &stat);
    if (code != 0) return impl_->Error("cannot read", code);
    *count = stat.ms_entries;
  }
  if (const int code = CountUsedBytes(impl_->reader, impl_->dbi, usage.used_bytes); code != 0) {
    return impl_->Error("cannot read", code);
  }
  struct stat file {};
  if (::stat(impl_->path.c_str(), &file) == 0) usage.file_bytes = static_cast<uint64_t>(file.st_size);
  return usage;
}

absl::StatusOr<std::optional<absl::Time>> Store::LastCleanup() {
  const Reading reading(*this);
  if (reading.code() != 0) return impl_->Error("cannot read", reading.code());
  MDB_val key = ToVal(kLastCleanupKey);
  MDB_val value;
  const int code = mdb_get(impl_->reader, impl_->dbi[kMeta], &key, &value);
  if (code == MDB_NOTFOUND) return std::nullopt;
  if (code != 0) return impl_->Error("cannot read", code);
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(ToView(value), &seconds)) return std::nullopt;
  return absl::FromUnixSeconds(seconds);
}

StorePresence Store::Look() {
  mdb_filehandle_t fd = -1;
  struct stat open {};
  if (mdb_env_get_fd(impl_->env, &fd) != 0 || ::fstat(fd, &open) != 0) return StorePresence::kThere;
  if (open.st_size < impl_->largest) return StorePresence::kCut;
  impl_->largest = open.st_size;
  struct stat named {};
  if (::stat(impl_->path.c_str(), &named) == 0) {
    const bool same = named.st_dev == open.st_dev && named.st_ino == open.st_ino;
    return same ? StorePresence::kThere : StorePresence::kGone;
  }
  return errno == ENOENT || errno == ENOTDIR ? StorePresence::kGone : StorePresence::kThere;
}

void Store::CheckReaders() {
  int dead = 0;
  mdb_reader_check(impl_->env, &dead);
}

uint64_t Store::map_growths() const { return impl_->growths; }

// Writer's thread, no transaction of this process open.
absl::Status Store::Impl::MoveMap(int reason) {
  const std::unique_lock<std::shared_mutex> fence(map_fence);
  MDB_envinfo info;
  mdb_env_info(env, &info);
  // Size 0 takes over the size to which another process grew the map.
  const int code = mdb_env_set_mapsize(env, reason == MDB_MAP_FULL ? info.me_mapsize * 2 : 0);
  if (code != 0) return Error("cannot grow the map", code);
  ++growths;
  return absl::OkStatus();
}

absl::Status Store::Impl::WriteOnce(absl::FunctionRef<absl::Status(Changes&)> change, int& map_code) {
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env, nullptr, 0, &txn); code != 0) {
    if (code == MDB_MAP_RESIZED) map_code = code;
    return Error("cannot write", code);
  }
  Changes::State state{.impl = *this, .txn = txn};
  Changes changes(state);
  if (absl::Status status = change(changes); !status.ok() || state.map_code != 0) {
    mdb_txn_abort(txn);
    map_code = state.map_code;
    return status.ok() ? Error("cannot write", map_code) : status;
  }
  const int code = mdb_txn_commit(txn);
  if (code == MDB_MAP_FULL) map_code = code;
  return code == 0 ? absl::OkStatus() : Error("cannot commit", code);
}

absl::Status Store::Write(absl::FunctionRef<absl::Status(Changes&)> change) {
  for (int growth = 0;; ++growth) {
    int map_code = 0;
    absl::Status status = impl_->WriteOnce(change, map_code);
    if (map_code == 0 || growth == kGrowthsPerWrite) return status;
    RETURN_IF_ERROR(impl_->MoveMap(map_code));
  }
}

absl::StatusOr<std::optional<absl::string_view>> Store::Changes::Find(StoreTable table, absl::string_view key) {
  MDB_val name = ToVal(key);
  MDB_val value;
  const int code = mdb_get(state_.txn, state_.impl.dbi[static_cast<size_t>(table)], &name, &value);
  if (code == MDB_NOTFOUND) return std::nullopt;
  RETURN_IF_ERROR(state_.Check("cannot read", code));
  return ToView(value);
}

absl::Status Store::Changes::Put(StoreTable table, absl::string_view key, absl::string_view value,
                                 const Lifetimes& lifetimes) {
  if (key.empty() || key.size() > kMaxKey) {
    return absl::InvalidArgumentError(absl::StrCat("a key of ", key.size(), " bytes can not be stored"));
  }
  ASSIGN_OR_RETURN(const std::optional<absl::string_view> old, Find(table, key));
  const std::vector<Due> dues = DuesOf(table, key, value, lifetimes);
  if (old.has_value()) {
    for (const Due& due : DuesOf(table, key, *old, lifetimes)) RETURN_IF_ERROR(DeleteDue(due));
  }
  MDB_val name = ToVal(key);
  MDB_val data = ToVal(value);
  RETURN_IF_ERROR(
      state_.Check("cannot write", mdb_put(state_.txn, state_.impl.dbi[static_cast<size_t>(table)], &name, &data, 0)));
  for (const Due& due : dues) RETURN_IF_ERROR(PutDue(due));
  return absl::OkStatus();
}

absl::Status Store::Changes::Delete(StoreTable table, absl::string_view key, const Lifetimes& lifetimes) {
  if (key.empty() || key.size() > kMaxKey) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<absl::string_view> old, Find(table, key));
  if (!old.has_value()) return absl::OkStatus();
  for (const Due& due : DuesOf(table, key, *old, lifetimes)) RETURN_IF_ERROR(DeleteDue(due));
  MDB_val name = ToVal(key);
  return state_.Check("cannot write", mdb_del(state_.txn, state_.impl.dbi[static_cast<size_t>(table)], &name, nullptr));
}

absl::StatusOr<std::vector<Due>> Store::Changes::DueBefore(DueKind kind, absl::Time now, size_t limit) {
  std::vector<Due> dues;
  RETURN_IF_ERROR(
      state_.Check("cannot read", ReadDues(state_.txn, state_.impl.dbi[kDueIndex], kind, "", now, limit, dues)));
  return dues;
}

absl::StatusOr<std::vector<Due>> Store::Changes::DuesAfter(DueKind kind, absl::string_view after, absl::Time until,
                                                           size_t limit) {
  std::vector<Due> dues;
  RETURN_IF_ERROR(
      state_.Check("cannot read", ReadDues(state_.txn, state_.impl.dbi[kDueIndex], kind, after, until, limit, dues)));
  return dues;
}

absl::Status Store::Changes::PutDue(const Due& due) {
  const std::string entry = due.Encode();
  MDB_val key = ToVal(entry);
  MDB_val nothing = ToVal("");
  return state_.Check("cannot write", mdb_put(state_.txn, state_.impl.dbi[kDueIndex], &key, &nothing, 0));
}

absl::Status Store::Changes::DeleteDue(const Due& due) {
  const std::string entry = due.Encode();
  MDB_val key = ToVal(entry);
  const int code = mdb_del(state_.txn, state_.impl.dbi[kDueIndex], &key, nullptr);
  return code == MDB_NOTFOUND ? absl::OkStatus() : state_.Check("cannot write", code);
}

absl::StatusOr<uint64_t> Store::Changes::Entries(StoreTable table) {
  MDB_stat stat;
  RETURN_IF_ERROR(
      state_.Check("cannot read", mdb_stat(state_.txn, state_.impl.dbi[static_cast<size_t>(table)], &stat)));
  return stat.ms_entries;
}

absl::StatusOr<uint64_t> Store::Changes::UsedBytes() {
  uint64_t bytes = 0;
  RETURN_IF_ERROR(state_.Check("cannot read", CountUsedBytes(state_.txn, state_.impl.dbi, bytes)));
  return bytes;
}

absl::Status Store::Changes::SetLastCleanup(absl::Time when) {
  const std::string text = absl::StrCat(absl::ToUnixSeconds(when));
  MDB_val key = ToVal(kLastCleanupKey);
  MDB_val value = ToVal(text);
  return state_.Check("cannot write", mdb_put(state_.txn, state_.impl.dbi[kMeta], &key, &value, 0));
}

}  // namespace verifyd
