#include "verifyctl/place.h"

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
#include "verifyctl/cache_asker.h"
#include "verifyctl/daemon_asker.h"
#include "verifyd/configuration/configuration.h"

namespace verifyd {

absl::StatusOr<Settings> LoadSettings(const Place& place) {
  const std::string path = place.settings_file.empty() ? kDefaultSettingsFile : place.settings_file;
  const bool defaults = place.settings_file.empty() && access(path.c_str(), F_OK) != 0;
  absl::StatusOr<Settings> settings = defaults ? Settings::Load({}, {}) : Settings::LoadFile(path, {});
  if (!settings.ok()) return absl::FailedPreconditionError(settings.status().message());
  return settings;
}

namespace {

// Returns the socket in a wrong settings file; empty where it names none that could be used.
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

std::string SocketOf(const Place& place, Console& console) {
  if (!place.socket.empty()) return place.socket;
  const absl::StatusOr<Settings> settings = LoadSettings(place);
  if (settings.ok()) return settings->Text("control_socket");
  std::string socket = SocketNamedIn(place.settings_file.empty() ? kDefaultSettingsFile : place.settings_file);
  if (socket.empty()) {
    if (const absl::StatusOr<Settings> defaults = Settings::Load({}, {}); defaults.ok()) {
      socket = defaults->Text("control_socket");
    }
  }
  console.err << "verifyctl: warning: " << settings.status().message() << "\nverifyctl: warning: asking at " << socket
              << " nevertheless; -s names another socket\n";
  return socket;
}

class AskerOfDaemon : public Asker {
 public:
  AskerOfDaemon(Place place, Console& console) : place_(std::move(place)), console_(console) {}

  absl::StatusOr<int> Ask(const ApiRequest& request, LineSink sink) override {
    if (daemon_ == nullptr) {
      const std::string socket = SocketOf(place_, console_);
      if (socket.empty()) {
        return absl::FailedPreconditionError(
            "control_socket is empty: a daemon that runs can not be asked, unless -s names its socket; a hangup "
            "(kill -HUP) makes it read its settings");
      }
      daemon_ = std::make_unique<DaemonAsker>(socket);
    }
    daemon_->set_patience(patience());
    return daemon_->Ask(request, sink);
  }

 protected:
  const Place& place() const { return place_; }
  Console& console() { return console_; }

 private:
  const Place place_;
  Console& console_;
  std::unique_ptr<DaemonAsker> daemon_;
};

class AskerOfDaemonOrCache : public AskerOfDaemon {
 public:
  using AskerOfDaemon::AskerOfDaemon;

  absl::StatusOr<int> Ask(const ApiRequest& request, LineSink sink) override {
    if (cache_ != nullptr) return cache_->Ask(request, sink);
    absl::StatusOr<int> answered = AskerOfDaemon::Ask(request, sink);
    if (answered.ok() || !absl::IsUnavailable(answered.status())) return answered;
    RETURN_IF_ERROR(OpenCache(answered.status()));
    return cache_->Ask(request, sink);
  }

 private:
  absl::Status OpenCache(const absl::Status& why) {
    ASSIGN_OR_RETURN(const Settings settings, LoadSettings(place()));
    absl::StatusOr<Configuration> configuration = Configuration::Create(settings);
    if (!configuration.ok()) return absl::FailedPreconditionError(configuration.status().message());
    absl::StatusOr<std::unique_ptr<CacheAsker>> cache = CacheAsker::Open(*configuration);
    if (!cache.ok()) {
      return absl::Status(cache.status().code(), absl::StrCat(why.message(), "; ", cache.status().message()));
    }
    cache_ = *std::move(cache);
    console().err << "verifyctl: " << why.message() << "; looking into its cache\n";
    return absl::OkStatus();
  }

  std::unique_ptr<CacheAsker> cache_;
};

}  // namespace

std::unique_ptr<Asker> DaemonAt(const Place& place, Console& console) {
  return std::make_unique<AskerOfDaemon>(place, console);
}

std::unique_ptr<Asker> DaemonOrCacheAt(const Place& place, Console& console) {
  return std::make_unique<AskerOfDaemonOrCache>(place, console);
}

}  // namespace verifyd
