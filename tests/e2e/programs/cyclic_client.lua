-- SPDX-License-Identifier: Apache-2.0
--
-- Opens COUNT connections to a server. Each is held by a table on a cycle, with the certificates of its peer's chain, and
-- dropped without being closed: Lua's collector ends it when it pleases. At most OPEN at once are still reachable.
--
-- Prints a line a tenth: how many were opened, resident memory in KB. The last line is that after the last collection. Leaves
-- at once, so that what ibid counts is what the collector has left.
--
-- Arguments: the CA file, the port, COUNT, OPEN.
local socket = require "cqueues.socket"
local context = require "openssl.ssl.context"
local ssl = require "openssl.ssl"
local store = require "openssl.x509.store"

local trust, port, count, reachable = arg[1], tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])

local function resident()
    local statm = assert(io.open("/proc/self/statm"))
    local pages = statm:read("l"):match("^%d+ (%d+)")
    statm:close()
    return pages * 4
end

local function connect(tls)
    local s = assert(socket.connect { host = "127.0.0.1", port = port })
    assert(s:starttls(tls, 20))
    local connection = { socket = s, tls = assert(s:checktls()) }
    assert(connection.tls:getVerifyResult() == 0)
    connection.chain = {}
    for certificate in pairs(connection.tls:getPeerChain()) do
        table.insert(connection.chain, certificate)
    end
    connection.peer = { seen_by = connection }
    return connection
end

local function work()
    local tls = context.new("TLS", false)
    tls:setStore(store.new():add(trust))
    tls:setVerify(ssl.VERIFY_PEER)
    local ring = {}
    for i = 1, count do
        ring[i % reachable] = connect(tls)
        if i % math.max(1, count // 10) == 0 then
            print(i, resident())
        end
    end
end

work()
collectgarbage()
collectgarbage() -- what finalizers of the first have let go
print(count, resident())
os.exit(0) -- without closing the interpreter, which would end everything, collected or not
