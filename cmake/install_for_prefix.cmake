# `cmake --install` runs this, with the CMAKE_INSTALL_PREFIX of that moment. Files that name a program get its path.
# Files that other programs look for are put where they look: below /usr for the system's packages, below /usr/local for
# everything else. An existing file of the settings folder is never touched. From cmake/install.cmake: packaging, work,
# zsh_completion.
if(CMAKE_INSTALL_PREFIX MATCHES "^(/usr)?$")
  set(units /lib/systemd/system)
  set(lib /usr/lib)
  set(zsh /usr/share/zsh/vendor-completions)
  set(logcheck /etc/logcheck/ignore.d.server)
else()
  set(units /usr/local/lib/systemd/system)
  set(lib /usr/local/lib)
  set(zsh /usr/local/share/zsh/site-functions)
  set(logcheck ${CMAKE_INSTALL_PREFIX}/share/doc/verifyd/examples/logcheck)
endif()

file(GLOB templates ${packaging}/systemd/*.service ${packaging}/systemd/*.socket)
foreach(template ${templates})
  get_filename_component(name ${template} NAME)
  configure_file(${template} ${work}/${name} @ONLY)
  file(INSTALL ${work}/${name} DESTINATION ${units})
endforeach()
file(INSTALL ${packaging}/systemd/sysusers.conf DESTINATION ${lib}/sysusers.d RENAME verifyd.conf)
file(INSTALL ${packaging}/systemd/tmpfiles.conf DESTINATION ${lib}/tmpfiles.d RENAME verifyd.conf)
file(INSTALL ${zsh_completion} DESTINATION ${zsh} RENAME _verifyctl)
file(INSTALL ${packaging}/logcheck/verifyd DESTINATION ${logcheck})

file(READ ${packaging}/snippets/smtpd.conf snippet)
string(REPLACE "/usr/sbin/" "${CMAKE_INSTALL_PREFIX}/sbin/" snippet "${snippet}")
file(WRITE ${work}/smtpd.conf "${snippet}")
file(INSTALL ${work}/smtpd.conf DESTINATION ${CMAKE_INSTALL_PREFIX}/share/doc/verifyd/examples)

# Not by file(INSTALL): files in the list of installed files may be removed by that list, and these are the operator's.
set(settings $ENV{DESTDIR}/etc/verifyd/verifyd.cf)
if(EXISTS ${settings} OR IS_SYMLINK ${settings})
  set(settings ${settings}.dist)
endif()
message(STATUS "Installing: ${settings}")
file(MAKE_DIRECTORY $ENV{DESTDIR}/etc/verifyd)
file(COPY_FILE ${packaging}/verifyd.cf ${settings})
