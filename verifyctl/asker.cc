#include "verifyctl/asker.h"

#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/input_file.h"
#include "base/status_macros.h"

namespace verifyd {

absl::StatusOr<Settings> LoadSettings(const Place& place) {
  const std::string path = place.settings_file.empty() ? kDefaultSettingsFile : place.settings_file;
  const bool defaults = place.settings_file.empty() && access(path.c_str(), F_OK) != 0;
  absl::StatusOr<Settings> settings = defaults ? Settings::Load({}, {}) : Settings::LoadFile(path, {});
  if (!settings.ok()) return absl::FailedPreconditionError(settings.status().message());
  return settings;
}

namespace {

// What a file that is wrong says of the socket; empty where that is nothing that could be used.
std::string SocketNamedIn(const std::string& path) {
  const absl::StatusOr<std::unique_ptr<std::ifstream>> file = OpenInputFile(path);
  std::string socket;
  if (!file.ok()) return socket;
  for (std::string line; std::getline(**file, line);) {
    absl::string_view rest = line;
    if (!absl::ConsumePrefix(&rest, Setting("control_socket").name())) continue;
    rest = absl::StripAsciiWhitespace(rest);
    if (!absl::ConsumePrefix(&rest, "=")) continue;
    rest = absl::StripAsciiWhitespace(rest);
    socket = absl::StrContains(rest, '$') ? "" : std::string(rest);
  }
  return socket;
}

}  // namespace

std::string Asker::Socket() {
  if (!place_.socket.empty()) return place_.socket;
  const absl::StatusOr<Settings> settings = LoadSettings(place_);
  if (settings.ok()) return settings->Text("control_socket");
  std::string socket = SocketNamedIn(place_.settings_file.empty() ? kDefaultSettingsFile : place_.settings_file);
  if (socket.empty()) {
    if (const absl::StatusOr<Settings> defaults = Settings::Load({}, {}); defaults.ok()) {
      socket = defaults->Text("control_socket");
    }
  }
  console_.err << "verifyctl: warning: " << settings.status().message() << "\nverifyctl: warning: asking at " << socket
               << " nevertheless; -s names another socket\n";
  return socket;
}

absl::StatusOr<int> Asker::Ask(const ApiRequest& request, LineSink sink) {
  if (cache_ != nullptr) return cache_->Ask(request, sink);
  if (socket_.empty()) socket_ = Socket();
  if (socket_.empty()) {
    return absl::FailedPreconditionError(
        "control_socket is empty: a daemon that runs can not be asked, unless -s names its socket; a hangup "
        "(kill -HUP) makes it read its settings");
  }
  absl::StatusOr<int> answered = AskDaemon(socket_, request, sink, patience_);
  if (answered.ok() || !absl::IsUnavailable(answered.status()) || !memory_will_do_) return answered;
  RETURN_IF_ERROR(OpenCache(answered.status()));
  return cache_->Ask(request, sink);
}

absl::Status Asker::OpenCache(const absl::Status& why) {
  ASSIGN_OR_RETURN(const Settings settings, LoadSettings(place_));
  absl::StatusOr<Configuration> configuration = Configuration::Create(settings);
  if (!configuration.ok()) return absl::FailedPreconditionError(configuration.status().message());
  absl::StatusOr<std::unique_ptr<LocalCache>> cache = LocalCache::Open(*configuration);
  if (!cache.ok()) {
    return absl::Status(cache.status().code(), absl::StrCat(why.message(), "; ", cache.status().message()));
  }
  cache_ = *std::move(cache);
  console_.err << "verifyctl: " << why.message() << "; looking into its cache\n";
  return absl::OkStatus();
}

}  // namespace verifyd
