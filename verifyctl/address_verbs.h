// The verbs about addresses: verify, query, show, delete.
#ifndef VERIFYD_VERIFYCTL_ADDRESS_VERBS_H_
#define VERIFYD_VERIFYCTL_ADDRESS_VERBS_H_

#include <string>
#include <vector>

#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

struct AddressOptions {
  std::vector<std::string>
      addresses;  // "-": one a line from console.in; empty lines and those with '#' in front are left out
  bool fresh = false;
  bool trace = false;  // implies fresh: memory has no dialogue
  bool sender = false;
  std::string patience;  // empty: as long as a probe may take
  bool json = false;
};

// Each returns the exit code.
int Verify(const AddressOptions& options, Asker& asker, Console& console);
int Query(const AddressOptions& options, Asker& asker, Console& console);
// A single id of a refusal in place of an address shows that refusal (report_verbs.h).
int Show(const AddressOptions& options, Asker& asker, Console& console);
// Shows the last findings about each address.
int History(const AddressOptions& options, Asker& asker, Console& console);
int Delete(const AddressOptions& options, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_ADDRESS_VERBS_H_
