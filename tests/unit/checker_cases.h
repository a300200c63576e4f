/* A history without a fault, its dump, and what breaks each rule of the checker. For test_checker.c
 * alone. */
#ifndef TESTS_UNIT_CHECKER_CASES_H
#define TESTS_UNIT_CHECKER_CASES_H

#include <stdbool.h>
#include <stddef.h>

/* Two trials of a grid and an enqueued one. Trial 1: attempt 1 falls silent, attempt 2 finishes it,
 * and sends its result twice. Trial 2: its worker never got the answer, and asked again. */
static const char *const clean_history[] = {
    "{'event':'invoke','op':1,'at_ns':1000000000,'client':'u','kind':'create',"
    "'input':{'study':'s'}}",
    "{'event':'ok','op':1,'at_ns':1001000000,'seq':1,'output':{'name':'s'}}",
    "{'event':'invoke','op':2,'at_ns':1002000000,'client':'u','kind':'enqueue',"
    "'input':{'study':'s','key':'k1','items':[{'x':9}]}}",
    "{'event':'info','op':2,'at_ns':1003000000}",
    "{'event':'invoke','op':3,'at_ns':1004000000,'client':'u','kind':'enqueue',"
    "'input':{'study':'s','key':'k1','items':[{'x':9.0}]}}",
    "{'event':'ok','op':3,'at_ns':1005000000,'seq':2,'output':{'items':[{'number':3}]}}",
    /* trial 1, attempt 1 */
    "{'event':'invoke','op':4,'at_ns':2000000000,'client':'a','kind':'lease',"
    "'input':{'study':'s','worker':'a','request_id':'r1'}}",
    "{'event':'ok','op':4,'at_ns':2001000000,'seq':3,'output':{'lease':{'id':'l_1',"
    "'ttl_seconds':15},'study':'s','trial':{'number':1,'attempt':1,'parameters':{'x':1}}}}",
    "{'event':'invoke','op':5,'at_ns':2002000000,'client':'a','kind':'measure','input':{"
    "'lease':'l_1','body':{'measurements':[{'step':1,'metrics':{'loss':0.5,'acc':'NaN'}}]}}}",
    "{'event':'ok','op':5,'at_ns':2003000000,'seq':4,'output':{'action':'continue',"
    "'duplicate':0,'conflict':0}}",
    "{'event':'invoke','op':6,'at_ns':3000000000,'client':'a','kind':'heartbeat',"
    "'input':{'lease':'l_1'}}",
    "{'event':'ok','op':6,'at_ns':3001000000,'output':{'action':'continue'}}",
    "{'event':'fault','at_ns':4000000000,'kind':'kill'}",
    /* trial 2: the answer is lost, the same request gets the same lease */
    "{'event':'invoke','op':7,'at_ns':4100000000,'client':'b','kind':'lease',"
    "'input':{'study':'s','worker':'b','request_id':'r2'}}",
    "{'event':'invoke','op':8,'at_ns':4200000000,'client':'b','kind':'lease',"
    "'input':{'study':'s','worker':'b','request_id':'r2'}}",
    "{'event':'ok','op':8,'at_ns':4201000000,'seq':5,'output':{'lease':{'id':'l_2',"
    "'ttl_seconds':15},'study':'s','trial':{'number':2,'attempt':1,'parameters':{'x':2}}}}",
    "{'event':'invoke','op':9,'at_ns':4300000000,'client':'b','kind':'result',"
    "'input':{'lease':'l_2','body':{'outcome':'completed','step':0,'metrics':{'loss':2}}}}",
    "{'event':'ok','op':9,'at_ns':4301000000,'seq':6,'output':{'trial':{'number':2,"
    "'state':'completed','value':2},'late':false}}",
    /* trial 1 again, 15 s after its last sign of life */
    "{'event':'invoke','op':10,'at_ns':4400000000,'client':'b','kind':'lease',"
    "'input':{'study':'s','worker':'b','request_id':'r3'}}",
    "{'event':'ok','op':10,'at_ns':18100000000,'seq':8,'output':{'lease':{'id':'l_3',"
    "'ttl_seconds':15},'study':'s','trial':{'number':1,'attempt':2,'parameters':{'x':1}}}}",
    "{'event':'invoke','op':11,'at_ns':18200000000,'client':'a','kind':'measure','input':{"
    "'lease':'l_1','body':{'measurements':[{'step':2,'metrics':{'loss':0.4}}]}}}",
    "{'event':'fail','op':11,'at_ns':18201000000,'output':{'type':'/problems/lease-superseded'}}",
    "{'event':'invoke','op':12,'at_ns':18300000000,'client':'b','kind':'result',"
    "'input':{'lease':'l_3','body':{'outcome':'completed','step':1,'metrics':{'loss':0.3}}}}",
    "{'event':'ok','op':12,'at_ns':18301000000,'seq':9,'output':{'trial':{'number':1,"
    "'state':'completed','value':0.3},'late':false}}",
    "{'event':'invoke','op':13,'at_ns':18400000000,'client':'b','kind':'result',"
    "'input':{'lease':'l_3','body':{'outcome':'completed','step':1,'metrics':{'loss':0.3}}}}",
    "{'event':'ok','op':13,'at_ns':18401000000,'seq':9,'output':{'trial':{'number':1,"
    "'state':'completed','value':0.3},'late':false}}",
    "{'event':'invoke','op':14,'at_ns':18500000000,'client':'u','kind':'read',"
    "'input':{'study':'s','trial':1}}",
    "{'event':'ok','op':14,'at_ns':18501000000,'output':{'number':1,'state':'completed',"
    "'attempt':2}}",
    /* a study with rungs: a trial is handed back, lost, promoted, and lost once more */
    "{'event':'invoke','op':15,'at_ns':18600000000,'client':'u','kind':'create',"
    "'input':{'study':'h'}}",
    "{'event':'ok','op':15,'at_ns':18601000000,'seq':10,'output':{'name':'h'}}",
    "{'event':'invoke','op':16,'at_ns':18700000000,'client':'b','kind':'lease',"
    "'input':{'study':'h','worker':'b','request_id':'r4'}}",
    "{'event':'ok','op':16,'at_ns':18701000000,'seq':11,'output':{'lease':{'id':'l_4',"
    "'ttl_seconds':15},'study':'h','trial':{'number':1,'attempt':1,'parameters':{'y':1},"
    "'resource':{'from':0,'to':3}}}}",
    "{'event':'invoke','op':17,'at_ns':18800000000,'client':'b','kind':'release',"
    "'input':{'lease':'l_4'}}",
    "{'event':'ok','op':17,'at_ns':18801000000,'seq':12,'output':null}",
    "{'event':'invoke','op':18,'at_ns':18900000000,'client':'b','kind':'lease',"
    "'input':{'study':'h','worker':'b','request_id':'r5'}}",
    "{'event':'ok','op':18,'at_ns':18901000000,'seq':13,'output':{'lease':{'id':'l_5',"
    "'ttl_seconds':15},'study':'h','trial':{'number':1,'attempt':2,'parameters':{'y':1},"
    "'resource':{'from':0,'to':3}}}}",
    "{'event':'invoke','op':19,'at_ns':19000000000,'client':'b','kind':'measure','input':{"
    "'lease':'l_5','body':{'measurements':[{'step':3,'metrics':{'loss':0.1}}]}}}",
    "{'event':'ok','op':19,'at_ns':19001000000,'seq':14,'output':{'action':'continue',"
    "'duplicate':0,'conflict':0}}",
    /* a copy of that ask arrives late: the same lease again, which is no new grant */
    "{'event':'invoke','op':60,'at_ns':19100000000,'client':'b','kind':'lease',"
    "'input':{'study':'h','worker':'b','request_id':'r5'}}",
    "{'event':'ok','op':60,'at_ns':19101000000,'seq':14,'output':{'lease':{'id':'l_5',"
    "'ttl_seconds':15},'study':'h','trial':{'number':1,'attempt':2,'parameters':{'y':1},"
    "'resource':{'from':0,'to':3}}}}",
    "{'event':'invoke','op':22,'at_ns':36000000000,'client':'b','kind':'lease',"
    "'input':{'study':'h','worker':'b','request_id':'r6'}}",
    "{'event':'ok','op':22,'at_ns':36001000000,'seq':16,'output':{'lease':{'id':'l_6',"
    "'ttl_seconds':15},'study':'h','trial':{'number':1,'attempt':3,'parameters':{'y':1},"
    "'resource':{'from':0,'to':9}}}}",
    "{'event':'invoke','op':23,'at_ns':36100000000,'client':'u','kind':'read',"
    "'input':{'study':'h','trial':1}}",
    "{'event':'ok','op':23,'at_ns':36101000000,'output':{'number':1,'state':'running',"
    "'attempt':3}}",
    "{'event':'invoke','op':24,'at_ns':53000000000,'client':'u','kind':'read',"
    "'input':{'study':'h','trial':1}}",
    "{'event':'ok','op':24,'at_ns':53001000000,'output':{'number':1,'state':'failed',"
    "'attempt':3}}",
    "{'event':'invoke','op':25,'at_ns':53100000000,'client':'u','kind':'read',"
    "'input':{'study':'h','trial':1}}",
    "{'event':'ok','op':25,'at_ns':53101000000,'output':{'number':1,'state':'failed',"
    "'attempt':3}}",
    "{'event':'drained','at_ns':54000000000}",
    NULL,
};

#define EVENT(seq, kind, study, trial, attempt)                                                    \
    "{'kind':'event','row':{'seq':" seq ",'kind':'" kind "','study':'" study "','trial':" trial    \
    ",'attempt':" attempt "}}"

static const char *const clean_dump[] = {
    "{'kind':'study','row':{'name':'s','strategy':{'name':'grid'}}}",
    "{'kind':'trial','study':'s','row':{'number':1,'state':'completed','reason':null,"
    "'parameters':{'x':1},'source':'suggested','attempt':2,'step':1,'metrics':{'loss':0.3}}}",
    "{'kind':'trial','study':'s','row':{'number':2,'state':'completed','reason':null,"
    "'parameters':{'x':2},'source':'suggested','attempt':1,'step':0,'metrics':{'loss':2}}}",
    "{'kind':'trial','study':'s','row':{'number':3,'state':'cancelled','reason':null,"
    "'parameters':{'x':9},'source':'enqueued','attempt':0,'step':0,'metrics':{}}}",
    "{'kind':'attempt','study':'s','trial':1,'row':{'attempt':1,'worker':'a'}}",
    "{'kind':'attempt','study':'s','trial':1,'row':{'attempt':2,'worker':'b'}}",
    "{'kind':'attempt','study':'s','trial':2,'row':{'attempt':1,'worker':'b'}}",
    "{'kind':'measurement','study':'s','trial':1,'row':{'attempt':1,'step':1,"
    "'metrics':{'loss':0.5,'acc':'NaN'}}}",
    "{'kind':'study','row':{'name':'h','strategy':{'name':'asha'},'limits':{'attempts':2}}}",
    "{'kind':'trial','study':'h','row':{'number':1,'state':'failed','reason':'lost',"
    "'parameters':{'y':1},'source':'suggested','attempt':3,'step':3,'metrics':{'loss':0.1}}}",
    "{'kind':'attempt','study':'h','trial':1,'row':{'attempt':1,'worker':'b','state':'released'}}",
    "{'kind':'attempt','study':'h','trial':1,'row':{'attempt':2,'worker':'b','state':'lost'}}",
    "{'kind':'attempt','study':'h','trial':1,'row':{'attempt':3,'worker':'b','state':'lost'}}",
    "{'kind':'measurement','study':'h','trial':1,'row':{'attempt':2,'step':3,"
    "'metrics':{'loss':0.1}}}",
    EVENT("1", "study-created", "s", "null", "null"),
    EVENT("2", "trial-queued", "s", "3", "null"),
    EVENT("3", "trial-running", "s", "1", "1"),
    EVENT("4", "attempt-ended", "s", "1", "1"),
    EVENT("5", "trial-running", "s", "2", "1"),
    EVENT("6", "trial-ended", "s", "2", "1"),
    EVENT("7", "trial-running", "s", "1", "2"),
    EVENT("8", "trial-ended", "s", "1", "2"),
    EVENT("9", "trial-ended", "s", "3", "0"),
    EVENT("10", "study-created", "h", "null", "null"),
    EVENT("11", "trial-running", "h", "1", "1"),
    EVENT("12", "attempt-ended", "h", "1", "1"),
    EVENT("13", "trial-running", "h", "1", "2"),
    EVENT("15", "trial-paused", "h", "1", "2"),
    EVENT("16", "trial-running", "h", "1", "3"),
    EVENT("17", "trial-ended", "h", "1", "3"),
    "{'kind':'server','seq':17}",
    NULL,
};

/* One planted fault: every line that holds `find` has it replaced (NULL: the line goes), and one
 * more line may follow. */
struct plant {
    int rule; /* that must be broken */
    const char *fact;
    bool in_dump;
    const char *find, *replace;
    const char *more[3];
};

static const struct plant plants[] = {
    {1, "a study is lost", true, "'kind':'study','row':{'name':'s'", NULL, {0}},
    {1, "an enqueued trial is lost", true, "'number':3", NULL, {0}},
    {1, "an enqueued trial is another", true, "{'x':9}", "{'x':8}", {0}},
    {1, "a leased attempt is lost", true, "'trial':2,'row':{'attempt':1", NULL, {0}},
    {1,
     "an attempt went to another",
     true,
     "'attempt':1,'worker':'b'",
     "'attempt':1,'worker':'z'",
     {0}},
    {1, "a measurement is lost", true, "'attempt':1,'step':1", NULL, {0}},
    {1, "a measurement has another value", true, "'NaN'", "1", {0}},
    {1,
     "a result is lost",
     true,
     "'number':2,'state':'completed'",
     "'number':2,'state':'queued'",
     {0}},
    {1, "a trial with a result is lost", true, "{'number':2", NULL, {0}},
    {2,
     "no request created this study",
     true,
     "'kind':'server'",
     "'kind':'server'",
     {"{'kind':'study','row':{'name':'t'}}"}},
    {2,
     "no request enqueued it twice",
     true,
     "'kind':'server'",
     "'kind':'server'",
     {"{'kind':'trial','study':'s','row':{'number':4,'state':'queued','parameters':{'x':9},"
      "'source':'enqueued','attempt':0}}"}},
    {2,
     "no request asked for this attempt",
     true,
     "'kind':'server'",
     "'kind':'server'",
     {"{'kind':'attempt','study':'s','trial':2,'row':{'attempt':2,'worker':'c'}}"}},
    {2,
     "no request measured this",
     true,
     "'kind':'server'",
     "'kind':'server'",
     {"{'kind':'measurement','study':'s','trial':2,'row':{'attempt':1,'step':7,"
      "'metrics':{'loss':1}}}"}},
    {2,
     "a refused measurement is stored",
     true,
     "'kind':'server'",
     "'kind':'server'",
     {"{'kind':'measurement','study':'s','trial':1,'row':{'attempt':1,'step':2,"
      "'metrics':{'loss':0.4}}}"}},
    {2, "no request sent this result", true, "'state':'cancelled'", "'state':'completed'", {0}},
    {3, "an attempt is skipped", true, "'attempt':2,'worker'", "'attempt':3,'worker'", {0}},
    {3,
     "an attempt stands twice",
     true,
     "'kind':'server'",
     "'kind':'server'",
     {"{'kind':'attempt','study':'s','trial':1,'row':{'attempt':2,'worker':'b'}}"}},
    {3, "a lease id is used twice", false, "'id':'l_2'", "'id':'l_1'", {0}},
    {3,
     "an attempt is leased twice",
     false,
     "'number':1,'attempt':2",
     "'number':1,'attempt':1",
     {0}},
    {3, "a zombie is believed", false, "'event':'fail','op':11", "'event':'ok','op':11", {0}},
    {4,
     "a trial has two different results",
     false,
     "'kind':'read'",
     "'kind':'read'",
     {"{'event':'invoke','op':20,'at_ns':19000000000,'client':'b','kind':'result',"
      "'input':{'lease':'l_3','body':{'outcome':'completed','step':1,'metrics':{'loss':0.2}}}}",
      "{'event':'ok','op':20,'at_ns':19001000000,'seq':9,'output':{'trial':{'number':1,"
      "'state':'completed','value':0.3},'late':false}}"}},
    {4,
     "the same result gets another answer",
     false,
     "'seq':9,'output':{'trial':{'number':1",
     "'seq':9,'output':{'trial':{'number':1",
     {"{'event':'invoke','op':20,'at_ns':19000000000,'client':'b','kind':'result',"
      "'input':{'lease':'l_3','body':{'outcome':'completed','step':1,'metrics':{'loss':0.3}}}}",
      "{'event':'ok','op':20,'at_ns':19001000000,'seq':9,'output':{'trial':{'number':1,"
      "'state':'completed','value':0.2},'late':false}}"}},
    {4,
     "the dump holds another value",
     true,
     "'metrics':{'loss':0.3}",
     "'metrics':{'loss':0.2}",
     {0}},
    {4, "an older attempt's result won", true, "'attempt':2,'step'", "'attempt':1,'step'", {0}},
    {4,
     "a trial stands twice",
     true,
     "'kind':'server'",
     "'kind':'server'",
     {"{'kind':'trial','study':'s','row':{'number':3,'state':'cancelled','parameters':{'x':7},"
      "'source':'suggested','attempt':0}}"}},
    {5,
     "one key makes two trials",
     false,
     "'event':'info','op':2,'at_ns':1003000000",
     "'event':'ok','op':2,'at_ns':1003000000,'output':{'items':[{'number':4}]}",
     {0}},
    {5,
     "two keys make one trial",
     false,
     "'key':'k1','items':[{'x':9}]",
     "'key':'k2','items':[{'x':9}]",
     {"{'event':'invoke','op':21,'at_ns':19000000000,'client':'u','kind':'enqueue',"
      "'input':{'study':'s','key':'k3','items':[{'x':9}]}}",
      "{'event':'ok','op':21,'at_ns':19001000000,'seq':9,'output':{'items':[{'number':3}]}}"}},
    {5,
     "two requests get one lease",
     false,
     "'request_id':'r3'",
     "'request_id':'r3'",
     {"{'event':'invoke','op':21,'at_ns':19000000000,'client':'c','kind':'lease',"
      "'input':{'study':'s','worker':'b','request_id':'r9'}}",
      "{'event':'ok','op':21,'at_ns':19001000000,'seq':9,'output':{'lease':{'id':'l_3',"
      "'ttl_seconds':15},'study':'s','trial':{'number':1,'attempt':2,'parameters':{'x':1}}}}"}},
    {6, "a grid point stands twice", true, "{'x':2}", "{'x':1}", {0}},
    {6,
     "a retry has other parameters",
     false,
     "'number':1,'attempt':2,'parameters':{'x':1}",
     "'number':1,'attempt':2,'parameters':{'x':3}",
     {0}},
    {7,
     "a read misses the result",
     false,
     "'output':{'number':1,'state':'completed'",
     "'output':{'number':1,'state':'running'",
     {0}},
    {7,
     "Server-Seq falls",
     false,
     "'op':13,'at_ns':18401000000,'seq':9",
     "'op':13,'at_ns':18401000000,'seq':7",
     {0}},
    {7,
     "the server forgot its sequence",
     false,
     "'op':22,'at_ns':36001000000,'seq':16",
     "'op':22,'at_ns':36001000000,'seq':18",
     {0}},
    {8,
     "a lease ends early",
     false,
     "'op':10,'at_ns':18100000000",
     "'op':10,'at_ns':17900000000",
     {0}},
    {9, "a trial is left over", true, "'state':'cancelled'", "'state':'queued'", {0}},
    {1, "an attempt handed back is lost", true, "'state':'released'", "'state':'lost'", {0}},
    {1, "no event tells of an attempt", true, "'seq':16,'kind'", NULL, {0}},
    {2,
     "what was handed back is charged",
     true,
     "'attempt':3,'worker':'b','state':'lost'",
     "'attempt':3,'worker':'b','state':'released'",
     {0}},
    {3, "an attempt runs out of turn", true, "'trial':1,'attempt':3", "'trial':1,'attempt':5", {0}},
    {4,
     "a trial ends twice",
     true,
     "'kind':'server'",
     "'kind':'server'",
     {EVENT("18", "trial-ended", "h", "1", "3")}},
    {5,
     "one key gets two answers",
     false,
     "'kind':'read'",
     "'kind':'read'",
     {"{'event':'invoke','op':26,'at_ns':53200000000,'client':'u','kind':'enqueue',"
      "'input':{'study':'s','key':'k1','items':[{'x':9}]}}",
      "{'event':'ok','op':26,'at_ns':53201000000,'seq':17,'output':{'items':[{'number':3}],"
      "'again':true}}"}},
    {6, "a trial is promoted twice", false, "'to':9", "'to':3", {0}},
    {7,
     "a read misses the newest attempt",
     false,
     "'state':'running','attempt':3",
     "'state':'running','attempt':2",
     {0}},
    {7,
     "a read does not find the trial",
     false,
     "'event':'ok','op':23,'at_ns':36101000000,'output':{",
     "'event':'fail','op':23,'at_ns':36101000000,'output':{'type':'/problems/not-found',",
     {0}},
    {7,
     "a read goes back in time",
     false,
     "'op':25,'at_ns':53101000000,'output':{'number':1,'state':'failed'",
     "'op':25,'at_ns':53101000000,'output':{'number':1,'state':'running'",
     {0}},
    {7, "two events have one number", true, "'seq':13,'kind'", "'seq':12,'kind'", {0}},
    {7,
     "events are out of order",
     true,
     "'seq':13,'kind'",
     "'seq':14,'kind'",
     {EVENT("18", "worker-resumed", "h", "null", "null"),
      EVENT("13", "worker-resumed", "h", "null", "null")}},
    {7,
     "a trial moves after its end",
     true,
     "'kind':'server'",
     "'kind':'server'",
     {EVENT("18", "trial-paused", "h", "1", "3")}},
    {9,
     "the end takes too long",
     false,
     "'event':'drained','at_ns':54000000000",
     "'event':'drained','at_ns':94000000000",
     {0}},
    {9, "the end is never seen", false, "'event':'drained'", NULL, {0}},
};

#endif
