#include "verifyctl/asker.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace verifyd {

absl::StatusOr<Settings> LoadSettings(const Place& place) {
  const std::string path = place.settings_file.empty() ? kDefaultSettingsFile : place.settings_file;
  const bool defaults = place.settings_file.empty() && access(path.c_str(), F_OK) != 0;
  absl::StatusOr<Settings> settings = defaults ? Settings::Load({}, {}) : Settings::LoadFile(path, {});
  if (!settings.ok()) return absl::FailedPreconditionError(settings.status().message());
  return settings;
}

absl::StatusOr<int> Asker::Ask(const ApiRequest& request, LineSink sink) {
  if (cache_ != nullptr) return cache_->Ask(request, sink);
  std::string socket = place_.socket;
  if (socket.empty()) {
    ASSIGN_OR_RETURN(const Settings settings, LoadSettings(place_));
    socket = settings.Text("control_socket");
  }
  absl::StatusOr<int> answered = AskDaemon(socket, request, sink);
  if (answered.ok() || !absl::IsUnavailable(answered.status()) || !memory_will_do_) return answered;
  RETURN_IF_ERROR(OpenCache(answered.status()));
  return cache_->Ask(request, sink);
}

absl::Status Asker::OpenCache(const absl::Status& why) {
  ASSIGN_OR_RETURN(const Settings settings, LoadSettings(place_));
  absl::StatusOr<Configuration> configuration = Configuration::Create(settings);
  if (!configuration.ok()) return absl::FailedPreconditionError(configuration.status().message());
  absl::StatusOr<std::unique_ptr<LocalCache>> cache = LocalCache::Open(*std::move(configuration));
  if (!cache.ok()) {
    return absl::Status(cache.status().code(), absl::StrCat(why.message(), "; ", cache.status().message()));
  }
  cache_ = *std::move(cache);
  console_.err << "verifyctl: " << why.message() << "; looking into its cache\n";
  return absl::OkStatus();
}

}  // namespace verifyd
