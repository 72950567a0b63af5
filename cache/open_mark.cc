#include "cache/open_mark.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/functional/function_ref.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace verifyd {
namespace {

constexpr absl::string_view kEnding = "-open.";

bool Lives(pid_t pid) { return pid != ::getpid() && (::kill(pid, 0) == 0 || errno == EPERM); }

void ForEachMark(const std::string& path, absl::FunctionRef<void(int pid, const std::string& file)> use) {
  const std::filesystem::path store(path);
  const std::string prefix = absl::StrCat(store.filename().string(), kEnding);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(store.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    absl::string_view number = name;
    int pid = 0;
    if (absl::ConsumePrefix(&number, prefix) && absl::SimpleAtoi(number, &pid) && pid > 0) use(pid, entry->path());
  }
}

}  // namespace

OpenMark::OpenMark(const std::string& path) : file_(absl::StrCat(path, kEnding, ::getpid())) {
  const int fd = ::open(file_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);
}

OpenMark::~OpenMark() { ::unlink(file_.c_str()); }

int OpenMark::Holder(const std::string& path) {
  int holder = 0;
  ForEachMark(path, [&](int pid, const std::string& /*file*/) {
    if (Lives(pid)) holder = pid;
  });
  return holder;
}

bool OpenMark::TakeLeftOver(const std::string& path) {
  bool found = false;
  ForEachMark(path, [&](int pid, const std::string& file) {
    if (Lives(pid)) return;
    found = true;
    ::unlink(file.c_str());
  });
  return found;
}

}  // namespace verifyd
