// The open mark: a file beside the store, PATH-open.PID, for as long as the process of that number has it open. One
// that is left over says that its process did not end cleanly. Several processes may each have theirs.
//
// In it stands which boot of the machine it was, and when the process began: after a reboot the number may be that of
// another one, for which the mark does not speak.
//
// Marks are read and written with the rights of the folder's owner, and what lies there in place of a plain file is
// neither read nor written.
//
// Thread: any.
#ifndef VERIFYD_CACHE_OPEN_MARK_H_
#define VERIFYD_CACHE_OPEN_MARK_H_

#include <string>

namespace verifyd {

class OpenMark {
 public:
  // Makes the mark of this process for the store at `path`. One that can not be made is none: the next start then takes
  // the end for a clean one.
  explicit OpenMark(const std::string& path);
  ~OpenMark();
  OpenMark(const OpenMark&) = delete;
  OpenMark& operator=(const OpenMark&) = delete;

  // The number of another, living process that has the store open; 0: none.
  static int Holder(const std::string& path);

  // Removes the marks of processes that do not live any more (or whose number is ours now); true if there were any. To
  // be called before this process makes its own.
  static bool TakeLeftOver(const std::string& path);

 private:
  std::string file_;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_OPEN_MARK_H_
