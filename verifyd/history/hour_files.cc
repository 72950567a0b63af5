#include "verifyd/history/hour_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/text.h"
#include "boost/json.hpp"

namespace verifyd {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr char kName[] = "%Y-%m-%dT%HZ";
constexpr char kEnding[] = ".json";

// Returns the hour of a file of this name; nothing where it is not one of ours.
std::optional<int64_t> HourOf(absl::string_view name) {
  absl::Time time;
  std::string error;
  if (!absl::ConsumeSuffix(&name, kEnding) || !absl::ParseTime(kName, name, &time, &error)) return std::nullopt;
  return absl::ToUnixSeconds(time) / 3600;
}

absl::StatusOr<Tally> Read(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error) return absl::UnavailableError(error.message());
  if (size > HourFiles::kLargestFile) return absl::InvalidArgumentError(absl::StrCat("found ", size, " bytes"));
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad() || text.size() != size) return absl::UnavailableError("it can not be read");
  boost::system::error_code wrong;
  const json::value value = json::parse(text, wrong);
  if (wrong) return absl::InvalidArgumentError(wrong.message());
  if (!value.is_object()) return absl::InvalidArgumentError("expected a JSON object");
  return Tally::FromJson(value.get_object());
}

// Returns the files of `directory` that are ours.
std::map<int64_t, fs::path> FilesIn(const std::string& directory) {
  std::map<int64_t, fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    if (const auto hour = HourOf(entry->path().filename().string())) files[*hour] = entry->path();
  }
  if (error) LogWarning(absl::StrCat("record: ", directory, ": ", error.message()));
  return files;
}

}  // namespace

HourFiles::HourFiles(std::string directory) : directory_(std::move(directory)) {
  if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    LogWarning(absl::StrCat("record: ", directory_, ": ", std::strerror(errno)));
  }
  thread_ = std::thread([this] { Run(); });
}

HourFiles::~HourFiles() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  thread_.join();
}

std::map<int64_t, Tally> HourFiles::Load(int64_t oldest) const {
  std::map<int64_t, Tally> hours;
  for (const auto& [hour, path] : FilesIn(directory_)) {
    if (hour < oldest) continue;
    absl::StatusOr<Tally> tally = Read(path);
    if (tally.ok()) {
      hours.emplace(hour, *std::move(tally));
    } else {
      LogWarning(absl::StrCat("record: ", path.string(), " is passed over: ", tally.status().message()));
    }
  }
  return hours;
}

void HourFiles::Write(int64_t hour, Tally tally, int64_t oldest) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_[hour] = std::move(tally);
    oldest_ = oldest;
  }
  work_.notify_one();
}

void HourFiles::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::map<int64_t, Tally> taken = std::exchange(waiting_, {});
    const int64_t oldest = oldest_;
    lock.unlock();
    for (const auto& [hour, tally] : taken) WriteFile(hour, tally);
    DeleteBefore(oldest);
    lock.lock();
  }
}

std::string HourFiles::PathOf(int64_t hour) const {
  return absl::StrCat(directory_, "/", absl::FormatTime(kName, absl::FromUnixSeconds(hour * 3600), absl::UTCTimeZone()),
                      kEnding);
}

void HourFiles::WriteFile(int64_t hour, const Tally& tally) {
  const std::string path = PathOf(hour);
  const std::string unfinished = absl::StrCat(path, ".new");
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  out << json::serialize(tally.ToJson()) << "\n";
  out.close();
  if (out.fail() || std::rename(unfinished.c_str(), path.c_str()) != 0) {
    LogWarning(absl::StrCat("record: ", path, " can not be written: ", std::strerror(errno)));
  }
}

void HourFiles::DeleteBefore(int64_t oldest) {
  for (const auto& [hour, path] : FilesIn(directory_)) {
    std::error_code error;
    if (hour < oldest && !fs::remove(path, error)) {
      LogWarning(absl::StrCat("record: ", path.string(), " can not be deleted: ", error.message()));
    }
  }
}

}  // namespace verifyd
