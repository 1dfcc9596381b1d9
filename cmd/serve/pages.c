/* pages.c - what is outside of the API: health, life cycle, and a plain page to start from. */
#include "cmd/serve/api.h"
#include "cmd/serve/sched.h"
#include "cmd/serve/serve.h"

#include <signal.h>
#include <unistd.h>

void pm_page_healthy(struct pm_request *r)
{
	pm_reply_text(r, 200, "Prometheus Server is Healthy.\n");
}

/* Opening the store needs no replay: what answers is ready. */
void pm_page_ready(struct pm_request *r)
{
	pm_reply_text(r, 200, "Prometheus Server is Ready.\n");
}

static bool lifecycle_allowed(struct pm_request *r)
{
	if (!r->serve->opts.lifecycle) {
		pm_reply_text(r, 403, "Lifecycle API is not enabled.\n");
		return false;
	}
	return true;
}

void pm_page_reload(struct pm_request *r)
{
	struct pm_error err = { 0 };
	if (!lifecycle_allowed(r))
		return;
	pm_reply_text(r, 200, "");
	if (pm_sched_reload(r->serve->sched, &err) == 0)
		return;
	pm_reply_text(r, 500, "failed to reload config: ");
	if (err.line)
		pm_buf_fmt(&r->out, "%s:%d: ", err.file, err.line);
	pm_buf_fmt(&r->out, "%s\n", err.msg);
}

/* The main thread waits for signals, and ends the server as for any other. */
void pm_page_quit(struct pm_request *r)
{
	if (!lifecycle_allowed(r))
		return;
	pm_reply_text(r, 200, "Requesting termination... Goodbye!");
	kill(getpid(), SIGTERM);
}

static const char root_html[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>pm</title><style>\n"
	"body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\n"
	"input[name=query]{width:75%;font:14px monospace;padding:.4em}button{padding:.4em 1em}\n"
	"td{font:13px monospace;padding:.1em 1em .1em 0;vertical-align:top}#out{margin-top:1em}.error{color:#b00}\n"
	"</style></head><body>\n<h1>pm</h1>\n"
	"<form action=\"/api/v1/query\"><input name=\"query\" value=\"up\" autofocus> <button>Ask</button></form>\n"
	"<div id=\"out\"></div>\n"
	"<p><a href=\"/api/v1/targets\">targets</a> ·\n"
	"<a href=\"/metrics\">metrics of pm</a> ·\n"
	"<a href=\"/metrics/host\">metrics of this host</a> ·\n"
	"<a href=\"/api/v1/label/__name__/values\">names of metrics</a> ·\n"
	"<a href=\"/api/v1/status/config\">configuration</a> ·\n"
	"<a href=\"/api/v1/status/flags\">flags</a> ·\n"
	"<a href=\"/api/v1/status/runtimeinfo\">runtime</a></p>\n"
	"<script>\n"
	"const form=document.forms[0],out=document.getElementById('out');\n"
	"const cell=(row,text)=>row.insertCell().textContent=text;\n"
	"const value=s=>s.values?s.values.map(v=>v[1]+' @'+v[0]).join('\\n'):\n"
	"  s.value?s.value[1]:JSON.stringify(s.histogram||s.histograms);\n"
	"function name(metric){const{__name__:n='',...rest}=metric;\n"
	"  const l=Object.entries(rest).map(([k,v])=>k+'='+JSON.stringify(v));\n"
	"  return n+(l.length||!n?'{'+l.join(', ')+'}':'')}\n"
	"function show(a){out.textContent='';out.className='';\n"
	"  if(a.status!=='success')throw a.error;\n"
	"  const t=document.createElement('table'),d=a.data;out.append(t);\n"
	"  if(d.resultType==='scalar'||d.resultType==='string')return cell(t.insertRow(),d.result[1]);\n"
	"  if(!d.result.length)out.textContent='no series';\n"
	"  for(const s of d.result){const r=t.insertRow();cell(r,name(s.metric));cell(r,value(s))}}\n"
	"form.onsubmit=async e=>{e.preventDefault();\n"
	"  try{const body=new URLSearchParams(new FormData(form));\n"
	"    show(await(await fetch('/api/v1/query',{method:'POST',body})).json())}\n"
	"  catch(x){out.className='error';out.textContent=x}};\n"
	"</script></body></html>\n";

void pm_page_root(struct pm_request *r)
{
	r->content_type = "text/html; charset=utf-8";
	pm_buf_add(&r->out, root_html, sizeof root_html - 1);
}
