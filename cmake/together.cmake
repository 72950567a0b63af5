# With VERIFYD_TOGETHER a room's files are compiled twelve at a time, and the headers of libraries that most of them
# include are parsed once: a build from nothing takes less than half the time. Our own headers are not precompiled:
# rooms that do not know each other may have types of one name. Within a room, then, one name means one thing in all
# files. A build without it (the debug preset, and clang-tidy) shows whether each file includes what it needs.
if(VERIFYD_TOGETHER)
  set(precompiled
    <algorithm> <array> <cstdint> <functional> <memory> <optional> <string> <utility> <vector>
    <absl/container/btree_map.h> <absl/container/flat_hash_map.h> <absl/container/flat_hash_set.h>
    <absl/functional/any_invocable.h> <absl/functional/function_ref.h> <absl/status/statusor.h> <absl/strings/ascii.h>
    <absl/strings/escaping.h> <absl/strings/match.h> <absl/strings/numbers.h> <absl/strings/str_cat.h>
    <absl/strings/str_format.h> <absl/strings/str_join.h> <absl/strings/str_replace.h> <absl/strings/str_split.h>
    <absl/strings/string_view.h> <absl/strings/strip.h> <absl/time/time.h>
    <boost/asio/as_tuple.hpp> <boost/asio/awaitable.hpp> <boost/asio/buffer.hpp> <boost/asio/co_spawn.hpp>
    <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/local/stream_protocol.hpp> <boost/asio/post.hpp>
    <boost/asio/read.hpp> <boost/asio/use_awaitable.hpp> <boost/asio/write.hpp> <boost/json.hpp>)
endif()

# verifyd_together(TARGET OWNER HEADER...) compiles TARGET with the headers that OWNER, which comes first, precompiles.
function(verifyd_together target owner)
  if(NOT VERIFYD_TOGETHER)
    return()
  endif()
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${precompiled} ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  # All of them must have the same flags, and some libraries ask for this one.
  target_compile_options(${target} PRIVATE -pthread)
endfunction()
