// The verb import: takes records in from elsewhere. It sends them in parts, each of which is answered when it is taken
// in; so its memory does not grow, and an interrupted import has done what it says. It may be done again: records that
// are there already are passed over.
#ifndef VERIFYD_VERIFYCTL_IMPORT_VERB_H_
#define VERIFYD_VERIFYCTL_IMPORT_VERB_H_

#include <string>

#include "verifyctl/asker.h"
#include "verifyctl/console.h"
#include "verifyctl/place.h"

namespace verifyd {

struct ImportOptions {
  std::string file;  // see import_source.h; "-" is console.in
  bool json = false;
};

// Returns the exit code: 65 where an entry could not be read, though all others are taken in.
int Import(const ImportOptions& options, const Place& place, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_IMPORT_VERB_H_
