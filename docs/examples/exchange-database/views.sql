-- What the platform's side sets up in the exchange database: an invented platform's tables, and over them the two
-- views that are agreed on. The account of this system may read the views and nothing else.
CREATE SCHEMA qzk;

CREATE TABLE qzk.shijian (
    sjbh text PRIMARY KEY,          -- 事件编号
    sqdm char(12) NOT NULL,         -- 社区代码
    wgdm text,                      -- 网格代码
    cldw text,                      -- 处理单位
    sjlb text NOT NULL,             -- 事件类别
    sjcj text NOT NULL,             -- 事件层级
    sfjj numeric(1) NOT NULL,       -- 是否紧急，1 或 0
    sbsj timestamp NOT NULL,        -- 上报时间
    xysj timestamp,                 -- 响应时间
    czqx timestamp,                 -- 处置期限
    yqqx timestamp,                 -- 延期期限
    bjsj timestamp,                 -- 办结时间
    sjzt text NOT NULL,             -- 事件状态
    sfqzja numeric(1) NOT NULL,     -- 是否强制结案
    fgcs numeric(3) NOT NULL,       -- 返工次数
    sbrxm text,                     -- 上报人姓名，不共享
    gxsj timestamp NOT NULL,        -- 更新时间
    rksj timestamp NOT NULL         -- 入库时间
);
CREATE INDEX ON qzk.shijian (rksj);

CREATE TABLE qzk.sanling (
    bh text PRIMARY KEY,            -- 编号
    sqdm char(12) NOT NULL,         -- 社区代码
    lb text NOT NULL,               -- 类别
    fsrq date NOT NULL,             -- 发生日期
    zt text NOT NULL,               -- 状态
    gxsj timestamp NOT NULL,        -- 更新时间
    rksj timestamp NOT NULL         -- 入库时间
);
CREATE INDEX ON qzk.sanling (rksj);

CREATE VIEW qzk.v_shijian AS
SELECT sjbh, sqdm, wgdm, cldw, sjlb, sjcj, sfjj, sbsj, xysj, czqx, yqqx, bjsj, sjzt, sfqzja, fgcs, gxsj, rksj
FROM qzk.shijian;

CREATE VIEW qzk.v_sanling AS SELECT bh, sqdm, lb, fsrq, zt, gxsj, rksj FROM qzk.sanling;

-- GRANT USAGE ON SCHEMA qzk TO the_reader; GRANT SELECT ON qzk.v_shijian, qzk.v_sanling TO the_reader;
