#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verifyd/configuration/parts.h"

namespace verifyd {
namespace {

// What lmtp(8) is told otherwise than smtp(8); verifyd.cf means both.
Settings ForLmtp(const Draft& draft) {
  Settings settings = draft.settings;
  for (const PostfixValue& value : draft.settings.postfix()->lmtp) {
    if (draft.settings.IsSet(value.setting) && !draft.settings.IsFromPostfix(value.setting)) continue;
    if (const absl::Status fault = settings.Override(value); !fault.ok()) {
      draft.Warn(absl::StrCat(fault.message(), "; it is left out"));
    }
  }
  return settings;
}

// Settings that hold for one transport, or one kind of them, alone: `base` and `options`. Null: they can not be used.
std::shared_ptr<const ProbeSettings> SpecialFor(const Draft& draft, const Settings& base,
                                                const std::vector<PostfixValue>& options, const ProbeSettings& probe) {
  Settings settings = base;
  for (const PostfixValue& option : options) {
    if (const absl::Status fault = settings.Override(option); !fault.ok()) {
      draft.Warn(absl::StrCat(fault.message(), "; it is left out"));
    }
  }
  auto special = std::make_shared<ProbeSettings>(probe.WithoutRouting());
  Faults faults(settings);
  FillClient({.settings = settings,
              .faults = faults,
              .shelf = draft.shelf,
              .configuration = draft.configuration,
              .of_transport = true},
             *special);
  if (settings.Text("smtp_helo_name") != draft.settings.Text("smtp_helo_name")) {
    faults.Assign(special->helo, "smtp_helo_name", HeloOf(settings));
  }
  if (const absl::StatusOr<std::shared_ptr<const DestinationSettings>> destinations =
          DestinationsFor(settings, *special);
      destinations.ok()) {
    special->destinations = *destinations;
  }
  if (faults.errors().empty()) return special;
  for (const std::string& fault : faults.errors()) {
    draft.Warn(absl::StrCat(fault, "; the -o of this transport are left out"));
  }
  return nullptr;
}

}  // namespace

void FillTransports(const Draft& draft, ProbeSettings& probe) {
  const std::shared_ptr<const PostfixSettings>& postfix = draft.settings.postfix();
  if (postfix == nullptr) return;
  const Settings for_lmtp = ForLmtp(draft);
  if (!postfix->lmtp.empty()) probe.lmtp = SpecialFor(draft, for_lmtp, {}, probe);
  for (const PostfixTransport& transport : postfix->transports) {
    if (transport.options.empty()) continue;
    const Settings& base = transport.lmtp ? for_lmtp : draft.settings;
    if (auto special = SpecialFor(draft, base, transport.options, probe)) {
      probe.transports[transport.name] = std::move(special);
    }
  }
}

}  // namespace verifyd
