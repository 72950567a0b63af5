#include "cache/store_check.h"

#include <fcntl.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr int kDatabases = 16;

// Reads every byte, so that a missing page is met here.
uint64_t Touch(const MDB_val& value, uint64_t sum) {
  const auto* bytes = static_cast<const unsigned char*>(value.mv_data);
  for (size_t i = 0; i < value.mv_size; ++i) sum = sum * 31 + bytes[i];
  return sum;
}

int Walk(MDB_txn* txn, MDB_dbi dbi, std::vector<std::string>* names, uint64_t& sum) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(txn, dbi, &cursor); code != 0) return code;
  MDB_stat stat;
  int code = mdb_stat(txn, dbi, &stat);
  MDB_val key;
  MDB_val value;
  size_t entries = 0;
  if (code == 0) code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
  for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
    sum = Touch(value, Touch(key, sum));
    if (names != nullptr) names->emplace_back(static_cast<const char*>(key.mv_data), key.mv_size);
    // A damaged tree may lead in circles.
    if (++entries > stat.ms_entries) {
      code = MDB_CORRUPTED;
      break;
    }
  }
  mdb_cursor_close(cursor);
  if (code != MDB_NOTFOUND) return code;
  return entries == stat.ms_entries ? 0 : MDB_CORRUPTED;
}

int WalkAll(MDB_txn* txn, uint64_t& sum) {
  MDB_dbi root = 0;
  if (const int code = mdb_dbi_open(txn, nullptr, 0, &root); code != 0) return code;
  std::vector<std::string> names;
  if (const int code = Walk(txn, root, &names, sum); code != 0) return code;
  for (const std::string& name : names) {
    MDB_dbi dbi = 0;
    const int open = mdb_dbi_open(txn, name.c_str(), 0, &dbi);
    if (open == MDB_INCOMPATIBLE || open == MDB_DBS_FULL) continue;  // not one of ours
    if (open != 0) return open;
    if (const int code = Walk(txn, dbi, nullptr, sum); code != 0) return code;
  }
  return 0;
}

// Waits for the end of a child; false where it still runs after `limit`.
bool WaitForEnd(pid_t child, absl::Duration limit, int& status) {
  const absl::Time deadline = absl::Now() + limit;
  for (;;) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return true;
    if (ended < 0 && errno != EINTR) return false;
    if (absl::Now() >= deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
}

std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 512> buffer;
  for (ssize_t got = 0; text.size() < 4096 && (got = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(got));
  }
  return text;
}

}  // namespace

absl::Status CheckStore(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return absl::OkStatus();
  const auto no_cache = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": no cache: ", why));
  };
  if (!S_ISREG(file.st_mode)) return no_cache("it is a pipe or a device");
  if (file.st_size == 0) return no_cache("it is empty");
  MDB_env* env = nullptr;
  if (mdb_env_create(&env) != 0) return absl::ResourceExhaustedError(absl::StrCat(path, ": no memory is left"));
  const std::unique_ptr<MDB_env, void (*)(MDB_env*)> closing(env, mdb_env_close);
  mdb_env_set_maxdbs(env, kDatabases);
  // Without the lock table: a check must not be held up by what a dead process has left there.
  const int open = mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0600);
  if (open != 0) return no_cache(mdb_strerror(open));
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn);
  uint64_t sum = 0;
  if (code == 0) {
    code = WalkAll(txn, sum);
    mdb_txn_abort(txn);
  }
  if (code == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path, ": ", mdb_strerror(code)));
}

namespace {

struct Checker {
  pid_t process = 0;
  int output = -1;  // what it says; to be closed
};

absl::StatusOr<Checker> Spawn(std::vector<std::string> command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot make a pipe: ", std::strerror(errno)));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
  pid_t child = 0;
  const int spawned = ::posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[1]);
  if (spawned == 0) return Checker{.process = child, .output = pipe_ends[0]};
  ::close(pipe_ends[0]);
  return absl::UnavailableError(absl::StrCat(command[0], ": ", std::strerror(spawned)));
}

}  // namespace

CheckResult CheckInOtherProcess(std::vector<std::string> command, const std::string& path, absl::Duration limit,
                                std::string& why) {
  command.push_back(path);
  const absl::StatusOr<Checker> checker = Spawn(std::move(command));
  if (!checker.ok()) {
    why = std::string(checker.status().message());
    return CheckResult::kUndecided;
  }
  int status = 0;
  const bool ended = WaitForEnd(checker->process, limit, status);
  if (!ended) {
    ::kill(checker->process, SIGKILL);
    ::waitpid(checker->process, &status, 0);
  }
  const std::string said = ReadAll(checker->output);
  ::close(checker->output);
  if (!ended) {
    why = absl::StrCat("it was not done within ", absl::FormatDuration(limit));
    return CheckResult::kUndecided;
  }
  if (WIFSIGNALED(status)) {
    why = absl::StrCat("reading it ended with signal ", WTERMSIG(status), " (", ::strsignal(WTERMSIG(status)), ")");
    return CheckResult::kDamaged;
  }
  // The codes of a file that is no cache, or can not be read: Store::Open reports that.
  const int code = WEXITSTATUS(status);
  if (code == EX_OK || code == EX_DATAERR || code == EX_NOINPUT || code == EX_NOPERM) return CheckResult::kSound;
  why = Printable(absl::string_view(said).substr(0, said.find('\n')), 250);
  return code == 1 ? CheckResult::kDamaged : CheckResult::kUndecided;
}

}  // namespace verifyd
