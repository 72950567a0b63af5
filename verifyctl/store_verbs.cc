#include "verifyctl/store_verbs.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/input_file.h"
#include "base/made_file.h"
#include "base/status_macros.h"
#include "boost/json.hpp"
#include "cache/open_mark.h"
#include "cache/store_file.h"
#include "verifyctl/cache_asker.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/interrupt.h"
#include "verifyctl/progress.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/json/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr int kExitFaults = 1;
// Faults that are named; the others are counted.
constexpr uint64_t kShownFaults = 100;

struct CacheFile {
  std::string file;
  Lifetimes lifetimes;
};

absl::StatusOr<CacheFile> FindCacheFile(const Place& place) {
  ASSIGN_OR_RETURN(const Settings settings, LoadSettings(place));
  const absl::StatusOr<Configuration> configuration = Configuration::Create(settings);
  if (!configuration.ok()) return absl::FailedPreconditionError(configuration.status().message());
  const CacheSettings& cache = configuration->cache;
  if (cache.path.empty()) return absl::NotFoundError("there is no cache: address_verify_map is empty");
  return CacheFile{.file = absl::StrCat(cache.path, ".mdb"), .lifetimes = cache.lifetimes};
}

absl::StatusOr<CacheFile> FindExistingFile(const Place& place) {
  ASSIGN_OR_RETURN(CacheFile held, FindCacheFile(place));
  if (const absl::Status readable = CheckCacheFile(held.file); !readable.ok()) return readable;
  return held;
}

absl::Status NobodyHas(const std::string& file) {
  const int holder = OpenMark::Holder(file);
  if (holder == 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(file, " is not changed: process ", holder, " has it open; stop verifyd first"));
}

// Explains a crash at a damaged page. Calls only what a signal's handler may call.
void SayDamaged(int /*signal*/) {
  constexpr absl::string_view kWords = "verifyctl: the cache can not be read to its end: its pages are damaged\n";
  (void)!::write(STDERR_FILENO, kWords.data(), kWords.size());
  ::_exit(kExitFaults);
}

class DamageGuard {
 public:
  DamageGuard() {
    struct sigaction action {};
    action.sa_handler = SayDamaged;
    ::sigaction(SIGBUS, &action, &bus_);
    ::sigaction(SIGSEGV, &action, &fault_);
    ::sigaction(SIGABRT, &action, &abort_);
  }
  ~DamageGuard() {
    ::sigaction(SIGBUS, &bus_, nullptr);
    ::sigaction(SIGSEGV, &fault_, nullptr);
    ::sigaction(SIGABRT, &abort_, nullptr);
  }
  DamageGuard(const DamageGuard&) = delete;
  DamageGuard& operator=(const DamageGuard&) = delete;

 private:
  struct sigaction bus_ {};
  struct sigaction fault_ {};
  struct sigaction abort_ {};
};

// Shows the progress of a long verb, and tells whether it is to go on.
class Watch {
 public:
  Watch(Console& console, absl::string_view what) : console_(console), what_(what) {}
  bool Show(uint64_t done, uint64_t total) {
    if (!progress_.has_value()) progress_.emplace(console_, what_, total);
    progress_->Show(done);
    return !interrupt_.wanted();
  }

 private:
  Console& console_;
  const absl::string_view what_;
  const Interrupt interrupt_;
  std::optional<Progress> progress_;
};

// Writes a line for each fault.
absl::StatusOr<StoreExamination> Examine(const std::string& file, const Lifetimes& lifetimes, bool as_json,
                                         Console& console) {
  // Checks that it is a cache, and of a format that this version knows.
  RETURN_IF_ERROR(StoreFile::CheckFormat(file));
  Watch watch(console, "entries");
  uint64_t shown = 0;
  return StoreFile::Examine(
      file, lifetimes,
      [&](absl::string_view where, absl::string_view what) {
        if (++shown > kShownFaults) return;
        if (as_json) {
          console.out << json::serialize(json::object{{"where", JsonText(where)}, {"what", JsonText(what)}}) << "\n";
        } else {
          console.out << where << ": " << what << "\n";
        }
      },
      [&](uint64_t done, uint64_t total) { return watch.Show(done, total); });
}

// Gives it the owner of the cache that is there, else of its folder: verifyd must be able to write it.
absl::Status GiveToOwner(const std::string& file, const std::string& of) {
  struct stat owner {};
  const std::string folder = std::filesystem::path(of).parent_path();
  if (::stat(of.c_str(), &owner) != 0 && ::stat(folder.c_str(), &owner) != 0) {
    return absl::UnavailableError(absl::StrCat(folder, ": ", std::strerror(errno)));
  }
  if (::geteuid() == owner.st_uid) return absl::OkStatus();
  ASSIGN_OR_RETURN(MadeFile made, MadeFile::Find(file, S_IFREG));
  return made.SetOwner(owner.st_uid, owner.st_gid);
}

uint64_t SizeOf(const std::string& file) {
  struct stat size {};
  return ::stat(file.c_str(), &size) == 0 ? static_cast<uint64_t>(size.st_size) : 0;
}

int Fail(const absl::Status& status, Console& console) {
  if (absl::IsCancelled(status)) {
    console.err << "verifyctl: stopped; nothing was changed\n";
    return Interrupt::kExitCode;
  }
  console.err << "verifyctl: " << status.message() << "\n";
  return absl::IsDataLoss(status) || absl::IsAlreadyExists(status) ? kExitBadAddress : ExitCodeOf(status);
}

// Copies `from` beside the cache, lets `examine` look at it, and puts it in the cache's place.
absl::Status Replace(const std::string& from, const std::string& file, Console& console,
                     absl::FunctionRef<absl::Status(const std::string& copy)> examine) {
  RETURN_IF_ERROR(NobodyHas(file));
  const std::string copy = absl::StrCat(file, ".new");
  ::unlink(copy.c_str());
  absl::Status status;
  {
    Watch watch(console, "bytes");
    status = StoreFile::Copy(from, copy, [&](uint64_t done, uint64_t total) { return watch.Show(done, total); });
  }
  if (status.ok()) status = examine(copy);
  ::unlink(absl::StrCat(copy, "-lock").c_str());
  if (status.ok()) status = GiveToOwner(copy, file);
  // A process that came meanwhile has the old one open.
  if (status.ok()) status = NobodyHas(file);
  if (status.ok() && ::rename(copy.c_str(), file.c_str()) != 0) {
    status = absl::UnavailableError(absl::StrCat(file, ": cannot rename to it: ", std::strerror(errno)));
  }
  if (!status.ok()) {
    ::unlink(copy.c_str());
    return status;
  }
  // A process may have opened the old file in the moment between the two; that file has no name any more.
  if (const int holder = OpenMark::Holder(file); holder != 0) {
    return absl::UnavailableError(
        absl::StrCat(file, " is replaced, and process ", holder,
                     " has opened it meanwhile: restart verifyd, lest it go on in the old one"));
  }
  return absl::OkStatus();
}

json::object ToJson(const StoreExamination& found) {
  return {{"records", found.records},
          {"domains", found.domains},
          {"destinations", found.destinations},
          {"pins", found.pins},
          {"due", found.dues},
          {"faults", found.faults},
          {"other_lifetimes", found.other_lifetimes},
          {"left_over", found.left_over}};
}

std::string ExaminationText(const StoreExamination& found) {
  std::string text = absl::StrCat(found.records, " records, ", found.domains, " domains, ", found.destinations,
                                  " destinations, ", found.pins, " pins, ", found.dues, " entries of the due index: ");
  absl::StrAppend(&text, found.faults == 0 ? "sound" : absl::StrCat(found.faults, " faults"), "\n");
  if (found.other_lifetimes > 0) {
    absl::StrAppend(&text, "    ", found.other_lifetimes,
                    " entries of the due index follow other lifetimes than those of the settings\n");
  }
  if (found.left_over > 0) {
    absl::StrAppend(&text, "    ", found.left_over, " entries of the due index are left over\n");
  }
  if (found.other_lifetimes + found.left_over > 0) {
    absl::StrAppend(&text, "    that does no harm: cleaning puts them right when they are due\n");
  }
  return text;
}

// Writes the last line of an examination. Returns the exit code.
int Conclude(const StoreExamination& found, bool as_json, Console& console) {
  console.out << (as_json ? absl::StrCat(json::serialize(ToJson(found)), "\n") : ExaminationText(found));
  return found.faults == 0 ? 0 : kExitFaults;
}

}  // namespace

int Check(const StoreOptions& options, const Place& place, Console& console) {
  const absl::StatusOr<CacheFile> held = FindExistingFile(place);
  if (!held.ok()) return Fail(held.status(), console);
  const DamageGuard guard;
  const absl::StatusOr<StoreExamination> found = Examine(held->file, held->lifetimes, options.json, console);
  if (!found.ok()) {
    const int code = Fail(found.status(), console);
    return absl::IsDataLoss(found.status()) ? kExitFaults : code;
  }
  return Conclude(*found, options.json, console);
}

int Backup(const StoreOptions& options, const Place& place, Console& console) {
  const absl::StatusOr<CacheFile> held = FindExistingFile(place);
  if (!held.ok()) return Fail(held.status(), console);
  const DamageGuard guard;
  if (const absl::Status format = StoreFile::CheckFormat(held->file); !format.ok()) return Fail(format, console);
  absl::Status status;
  {
    Watch watch(console, "bytes");
    status = StoreFile::Copy(held->file, options.file,
                             [&](uint64_t done, uint64_t total) { return watch.Show(done, total); });
  }
  if (!status.ok()) return Fail(status, console);
  const uint64_t bytes = SizeOf(options.file);
  if (options.json) {
    console.out << json::serialize(json::object{{"file", options.file}, {"bytes", bytes}}) << "\n";
  } else {
    console.out << options.file << ": " << ByteText(bytes) << "\n";
  }
  return 0;
}

int Restore(const StoreOptions& options, const Place& place, Console& console) {
  const absl::StatusOr<CacheFile> held = FindCacheFile(place);
  if (!held.ok()) return Fail(held.status(), console);
  if (const absl::Status readable = CheckInputFile(options.file); !readable.ok()) return Fail(readable, console);
  const DamageGuard guard;
  StoreExamination restored;
  const absl::Status status = Replace(options.file, held->file, console, [&](const std::string& copy) -> absl::Status {
    absl::StatusOr<StoreExamination> found = Examine(copy, held->lifetimes, options.json, console);
    // An error about the copy is about the backup.
    if (!found.ok()) {
      return absl::Status(found.status().code(),
                          absl::StrCat(options.file, " is not restored: ", found.status().message()));
    }
    restored = *found;
    return absl::OkStatus();
  });
  if (!status.ok()) return Fail(status, console);
  return Conclude(restored, options.json, console);
}

int Compact(const StoreOptions& options, const Place& place, Console& console) {
  const absl::StatusOr<CacheFile> held = FindExistingFile(place);
  if (!held.ok()) return Fail(held.status(), console);
  const DamageGuard guard;
  // Checks only that it is ours: faults of single entries stay.
  if (const absl::Status ours = StoreFile::CheckFormat(held->file); !ours.ok()) return Fail(ours, console);
  const uint64_t before = SizeOf(held->file);
  const absl::Status status = Replace(held->file, held->file, console, StoreFile::CheckFormat);
  if (!status.ok()) return Fail(status, console);
  const uint64_t after = SizeOf(held->file);
  if (options.json) {
    console.out << json::serialize(json::object{{"bytes_before", before}, {"bytes", after}}) << "\n";
  } else {
    console.out << held->file << ": " << ByteText(before) << " before, " << ByteText(after) << " now\n";
  }
  return 0;
}

}  // namespace verifyd
