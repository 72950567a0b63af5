#include "base/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kMaxComplaint = 4096;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) == 0) std::tie(read, write) = std::pair(ends[0], ends[1]);
  }
  ~Pipe() {
    CloseWrite();
    if (read >= 0) ::close(read);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void CloseWrite() {
    if (write >= 0) ::close(std::exchange(write, -1));
  }
  int read = -1;
  int write = -1;
};

// Gives the command a process group of its own, so that killing it also kills all that it has started.
int Spawn(const std::vector<std::string>& command, const Pipe& output, const Pipe& complaint, pid_t& child) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));  // NOLINT
  arguments.push_back(nullptr);
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char language[] = "LC_ALL=C";
  std::array<char*, 3> environment = {path, language, nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output.write, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, complaint.write, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const int error = ::posix_spawn(&child, arguments[0], &files, &attributes, arguments.data(), environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

// Reads what is there; false at the end.
bool ReadSome(int descriptor, size_t limit, std::string& text) {
  std::array<char, 8192> chunk{};
  const ssize_t got = ::read(descriptor, chunk.data(), chunk.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  if (text.size() <= limit) text.append(chunk.data(), static_cast<size_t>(got));
  return true;
}

// False: the time is over, or there was too much output.
bool ReadBoth(const Pipe& output, const Pipe& complaint, const CommandLimits& limits, MonoTime deadline,
              std::string& said, std::string& complained) {
  std::array<pollfd, 2> open = {pollfd{.fd = output.read, .events = POLLIN, .revents = 0},
                                pollfd{.fd = complaint.read, .events = POLLIN, .revents = 0}};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    const absl::Duration left = deadline - Clock::Real().Mono();
    if (left <= absl::ZeroDuration() || said.size() > limits.output) return false;
    if (::poll(open.data(), open.size(), static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) < 0 && errno != EINTR) {
      return false;
    }
    if (open[0].revents != 0 && !ReadSome(output.read, limits.output, said)) open[0].fd = -1;
    if (open[1].revents != 0 && !ReadSome(complaint.read, kMaxComplaint, complained)) open[1].fd = -1;
    for (pollfd& one : open) one.revents = 0;
  }
  return said.size() <= limits.output;
}

bool AwaitEnd(pid_t child, MonoTime deadline, int& status) {
  for (;;) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) return ended == child;
    if (Clock::Real().Mono() >= deadline) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
}

}  // namespace

absl::StatusOr<std::string> RunCommand(const std::vector<std::string>& command, const CommandLimits& limits) {
  const std::string& program = command.front();
  const MonoTime deadline = Clock::Real().Mono() + limits.time;
  Pipe output;
  Pipe complaint;
  if (output.read < 0 || complaint.read < 0) {
    return absl::ResourceExhaustedError(absl::StrCat(program, ": no pipe can be made: ", std::strerror(errno)));
  }
  pid_t child = 0;
  if (const int error = Spawn(command, output, complaint, child); error != 0) {
    const std::string why = absl::StrCat(program, ": ", std::strerror(error));
    return error == ENOENT ? absl::NotFoundError(why) : absl::UnavailableError(why);
  }
  output.CloseWrite();
  complaint.CloseWrite();
  std::string said;
  std::string complained;
  int status = 0;
  const bool whole = ReadBoth(output, complaint, limits, deadline, said, complained);
  if (!whole || !AwaitEnd(child, deadline, status)) {
    ::kill(-child, SIGKILL);
    ::waitpid(child, &status, 0);
    if (said.size() > limits.output) {
      return absl::ResourceExhaustedError(absl::StrCat(program, ": wrote more than ", limits.output, " bytes"));
    }
    return absl::DeadlineExceededError(
        absl::StrCat(program, ": was not done within ", absl::FormatDuration(limits.time)));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return said;
  // The last line says why it failed.
  absl::string_view last = absl::string_view(complained).substr(0, kMaxComplaint);
  while (!last.empty() && last.back() == '\n') last.remove_suffix(1);
  if (const size_t end = last.rfind('\n'); end != absl::string_view::npos) last.remove_prefix(end + 1);
  if (last.empty()) {
    return absl::UnavailableError(WIFSIGNALED(status) ? absl::StrCat(program, ": killed by signal ", WTERMSIG(status))
                                                      : absl::StrCat(program, ": exit code ", WEXITSTATUS(status)));
  }
  return absl::UnavailableError(absl::StrCat(program, ": ", Printable(last, 300)));
}

}  // namespace verifyd
