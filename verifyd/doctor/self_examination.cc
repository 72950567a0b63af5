#include "verifyd/doctor/self_examination.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/disk_space.h"
#include "base/privileges.h"
#include "verifyd/configuration/table_file.h"
#include "verifyd/settings/setting_syntax.h"

namespace verifyd {
namespace {

constexpr char kPostfixDirectory[] = "/etc/postfix";
// A disk with less free than either of these is as good as full.
constexpr uint64_t kLittle = uint64_t{32} * 1024 * 1024;
constexpr uint64_t kPercent = 2;

// Parameters of Postfix that route mail.
constexpr std::array<Setting, 9> kRoutes = {"transport_maps",
                                            "relayhost",
                                            "sender_dependent_relayhost_maps",
                                            "virtual_alias_maps",
                                            "virtual_alias_domains",
                                            "virtual_mailbox_domains",
                                            "canonical_maps",
                                            "recipient_canonical_maps",
                                            "relay_domains"};

std::string FolderOfCache(const Configuration& configuration) {
  return std::filesystem::path(configuration.cache.path).parent_path();
}

std::string NameOfUser(uid_t uid) {
  const absl::StatusOr<UserIdentity> user = FindUser(uid);
  return user.ok() ? user->name : absl::StrCat("user ", uid);
}

// Returns whether `user` has the right `bit` (one of those of others: S_IROTH, S_IWOTH, S_IXOTH) by owner, group or
// mode.
bool HasRight(const struct stat& file, const UserIdentity& user, mode_t bit) {
  if (user.uid == 0) return true;
  if (file.st_uid == user.uid) return (file.st_mode & (bit << 6)) != 0;
  std::array<gid_t, 256> groups = {};
  auto count = static_cast<int>(groups.size());
  if (getgrouplist(user.name.c_str(), user.gid, groups.data(), &count) < 0) return true;
  const bool member = std::find(groups.begin(), groups.begin() + count, file.st_gid) != groups.begin() + count;
  return (file.st_mode & (member ? bit << 3 : bit)) != 0;
}

// An access list (acl(5)) overrides these rights, and the bits of the group are its mask: the kernel must judge then.
bool HasAccessList(const std::string& path) {
  return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

// Returns the first of the folders above `path`, or `path` itself, that keeps `user` off; empty: none does, or it is
// not there. Anything with an access list is passed over.
std::string Obstacle(const std::string& path, const UserIdentity& user, mode_t bit) {
  struct stat info = {};
  std::filesystem::path above;
  for (const std::filesystem::path& part : std::filesystem::path(path).parent_path()) {
    above /= part;
    if (::stat(above.c_str(), &info) == 0 && !HasRight(info, user, S_IXOTH) && !HasAccessList(above)) return above;
  }
  return ::stat(path.c_str(), &info) == 0 && !HasRight(info, user, bit) && !HasAccessList(path) ? path : "";
}

// Returns the user of the service: the owner of the cache's folder.
std::optional<UserIdentity> ServiceUser(const Configuration& configuration) {
  struct stat of_folder = {};
  if (::stat(FolderOfCache(configuration).c_str(), &of_folder) != 0) return std::nullopt;
  absl::StatusOr<UserIdentity> user = FindUser(of_folder.st_uid);
  return user.ok() ? std::optional<UserIdentity>(*std::move(user)) : std::nullopt;
}

// Returns the setting whose value names the table.
std::string SettingWith(const Settings& settings, const std::string& path) {
  for (const Setting setting : settings.Given()) {
    if (absl::StrContains(settings.Text(setting), path)) return std::string(setting.name());
  }
  return "a table";
}

}  // namespace

Examination ExamineCacheFile(const Configuration& configuration) {
  Examination cache{.name = "cache", .found = "in memory only, as address_verify_map says"};
  if (configuration.cache.path.empty()) return cache;
  const std::string folder = FolderOfCache(configuration);
  const std::string file = absl::StrCat(configuration.cache.path, ".mdb");
  struct stat of_folder = {};
  if (::stat(folder.c_str(), &of_folder) != 0) {
    cache.found = absl::StrCat(folder, " is not there yet; the first start makes it");
    return cache;
  }
  cache.found = file;
  std::vector<std::string> others;
  for (const std::string& path : {file, absl::StrCat(file, "-lock"), absl::StrCat(folder, "/decisions")}) {
    struct stat info = {};
    if (::stat(path.c_str(), &info) == 0 && info.st_uid != of_folder.st_uid) others.push_back(path);
  }
  if (!others.empty()) {
    struct stat info = {};
    ::stat(others.front().c_str(), &info);
    const std::string owner = NameOfUser(of_folder.st_uid);
    cache.health = Health::kBad;
    cache.found = absl::StrCat(absl::StrJoin(others, ", "), others.size() == 1 ? " belongs" : " belong", " to ",
                               NameOfUser(info.st_uid), ", the folder to ", owner,
                               ": verifyd can not use it and forgets everything when it ends");
    cache.remedy = absl::StrCat("Say `chown -R --reference=", folder, " ", folder, "` and restart verifyd.");
  } else if (::access(folder.c_str(), W_OK) != 0 && ::geteuid() == of_folder.st_uid) {
    cache.health = Health::kBad;
    cache.found = absl::StrCat(folder, " can not be written by who has it");
    cache.remedy = absl::StrCat("Say `chmod u+rwx ", folder, "`, or mount its disk for writing.");
  }
  return cache;
}

Examination ExamineDisk(const Configuration& configuration) {
  Examination disk{.name = "disk", .health = Health::kNotExamined, .found = "there is no cache on a disk"};
  const std::string folder = FolderOfCache(configuration);
  const std::optional<DiskSpace> space = folder.empty() ? std::nullopt : DiskSpaceOf(folder);
  if (!space.has_value()) return disk;
  disk.health = Health::kOk;
  disk.found = absl::StrCat(space->free_bytes >> 20, " MB of ", space->bytes >> 20, " MB are free for ", folder);
  if (space->free_bytes >= kLittle && space->free_bytes >= space->bytes / 100 * kPercent) return disk;
  disk.health = space->free_bytes == 0 ? Health::kBad : Health::kWarning;
  disk.remedy = "Make room: what can not be written is forgotten when verifyd ends.";
  return disk;
}

Examinations ExamineTables(const Configuration& configuration) {
  const std::optional<UserIdentity> service = ServiceUser(configuration);
  Examinations found;
  for (const TableFile& table : configuration.table_files) {
    struct stat info = {};
    if (::stat(table.path.c_str(), &info) != 0) continue;  // the settings warn of it already
    Examination examination{.name = "table", .about = table.path, .health = Health::kWarning};
    const std::string setting = SettingWith(*configuration.settings, table.path);
    const std::string obstacle = service.has_value() ? Obstacle(table.path, *service, S_IROTH) : "";
    if (!obstacle.empty()) {
      examination.health = Health::kBad;
      examination.found = absl::StrCat("user ", service->name, " may not read it (", setting, "): ", obstacle);
      examination.remedy = absl::StrCat("Let him: `setfacl -m u:", service->name,
                                        obstacle == table.path ? ":r " : ":x ", obstacle, "`.");
    } else if (info.st_size == 0) {
      examination.found = absl::StrCat("is empty (", setting, ")");
      examination.remedy = "See whether it is the right file.";
    } else {
      continue;
    }
    found.push_back(std::move(examination));
  }
  return found;
}

std::optional<Examination> ExamineRouteService(const Configuration& configuration) {
  const std::string& path = configuration.probe->route_service;
  const std::optional<UserIdentity> service = ServiceUser(configuration);
  if (path.empty() || !service.has_value()) return std::nullopt;
  Examination examination{.name = "socket", .about = path, .found = "can be reached (address_verify_route_service)"};
  const std::string obstacle = Obstacle(path, *service, S_IWOTH);
  if (obstacle.empty()) return examination;
  examination.health = Health::kBad;
  examination.found =
      absl::StrCat("user ", service->name, " may not connect (address_verify_route_service): ", obstacle);
  examination.remedy = "Give Postfix a second instance of that service in public/, see TABLES in verifyd.cf(5).";
  return examination;
}

std::optional<Examination> ExaminePostfix(const Configuration& configuration, const std::string& main_cf) {
  std::ifstream in(main_cf, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  const absl::StatusOr<std::vector<Assignment>> said = ParseSettingFile(main_cf, text.str());
  if (!said.ok()) return std::nullopt;
  std::vector<std::string> missing;
  for (const Setting route : kRoutes) {
    const auto in_postfix =
        std::find_if(said->rbegin(), said->rend(), [&](const Assignment& a) { return a.name == route.name(); });
    if (in_postfix == said->rend() || in_postfix->value.empty()) continue;
    if (!configuration.settings->IsSet(route)) missing.emplace_back(route.name());
  }
  Examination postfix{.name = "postfix", .found = absl::StrCat("what ", main_cf, " says of routes is set here, too")};
  if (missing.empty()) return postfix;
  postfix.health = Health::kWarning;
  postfix.found = absl::StrCat(main_cf, " has ", absl::StrJoin(missing, ", "),
                               ", and verifyd.cf has not: probes may not go where Postfix sends mail");
  postfix.remedy = "Set them in verifyd.cf, too, or postfix_config_directory, which takes them from there.";
  return postfix;
}

Examinations ExamineSelf(const Configuration& configuration) {
  Examinations found = {ExamineCacheFile(configuration), ExamineDisk(configuration)};
  for (Examination& table : ExamineTables(configuration)) found.push_back(std::move(table));
  if (std::optional<Examination> socket = ExamineRouteService(configuration)) found.push_back(*std::move(socket));
  // verifyd takes these settings from Postfix itself then, from whatever folder.
  if (configuration.settings->postfix() != nullptr) return found;
  std::optional<Examination> postfix = ExaminePostfix(configuration, absl::StrCat(kPostfixDirectory, "/main.cf"));
  if (postfix.has_value()) found.push_back(*std::move(postfix));
  return found;
}

}  // namespace verifyd
