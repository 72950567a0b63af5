-- Behaves as Sendmail, for miltertest: two messages of one client, and the answer to each recipient.
--   miltertest -s sendmail_session.lua -D filter=inet:PORT@HOST -D known=ADDRESS -D unknown=ADDRESS
local function check(condition, what)
  if not condition then
    error(what)
  end
end

local function reply_to(conn, recipient)
  check(mt.rcptto(conn, "<" .. recipient .. ">") == nil, "RCPT failed")
  return mt.getreply(conn)
end

local function begin(conn, sender)
  mt.macro(conn, SMFIC_MAIL, "i", "q1", "{auth_authen}", "anna")
  check(mt.mailfrom(conn, sender) == nil, "MAIL failed")
  mt.macro(conn, SMFIC_RCPT, "{rcpt_mailer}", "esmtp")
end

local function offered(version, steps)
  local conn = mt.connect(filter)
  check(conn ~= nil, "no connection")
  check(mt.negotiate(conn, version, nil, steps) == nil, "negotiation failed")
  check(mt.conninfo(conn, "mail.example.net", "192.0.2.7") == nil, "CONNECT failed")
  check(mt.helo(conn, "mail.example.net") == nil, "HELO failed")
  return conn
end

-- All steps that Sendmail 8.17 offers, and those of Sendmail 8.13.
for _, conn in ipairs({ offered(nil, nil), offered(2, 0x7f) }) do
  check(mt.test_option(conn, SMFIP_NOBODY), "asked for bodies")
  check(mt.test_option(conn, SMFIP_NOHDRS), "asked for headers")
  check(not mt.test_action(conn, SMFIF_ADDHDRS), "asked to change messages")
  begin(conn, "<someone@example.net>")
  check(reply_to(conn, known) == SMFIR_CONTINUE, "a known user was not accepted")
  check(reply_to(conn, unknown) == SMFIR_REPLYCODE, "an unknown user was not refused")
  check(reply_to(conn, known) == SMFIR_CONTINUE, "a known user was not accepted after an unknown one")
  check(mt.abort(conn) == nil, "ABORT failed")
  begin(conn, "<>")
  check(reply_to(conn, unknown) == SMFIR_REPLYCODE, "an unknown user was not refused in a second message")
  mt.macro(conn, SMFIC_RCPT, "{rcpt_mailer}", "local")
  check(reply_to(conn, unknown) == SMFIR_CONTINUE, "a local user was refused")
  check(mt.eom(conn) == nil, "the end of the message failed")
  check(mt.getreply(conn) == SMFIR_CONTINUE, "the message was not accepted")
  mt.disconnect(conn)
end

-- Local submission: no address.
local conn = mt.connect(filter)
check(mt.conninfo(conn, "localhost", "unspec") == nil, "CONNECT failed")
begin(conn, "<someone@example.net>")
check(reply_to(conn, unknown) == SMFIR_CONTINUE, "local submission was refused")
mt.disconnect(conn)
