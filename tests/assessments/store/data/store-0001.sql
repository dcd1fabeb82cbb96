PRAGMA application_id=1282367844;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE answer (
	assessment_key INTEGER NOT NULL, 
	question TEXT NOT NULL, 
	state TEXT NOT NULL, 
	choices TEXT NOT NULL, 
	note TEXT NOT NULL, 
	not_applicable TEXT, 
	attachments TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_answer PRIMARY KEY (assessment_key, question), 
	CONSTRAINT fk_answer_assessment_key_assessment FOREIGN KEY(assessment_key) REFERENCES assessment ("key")
);
INSERT INTO "answer" VALUES(1,'INF-01','answered','["INF_01_a","INF_01_c"]','since March
in both regions',NULL,'[]',1,'2026-11-25T22:43:11.628035+00:00','b774989efb4a9481fff1b68e72ea376fa729b866a0c92460611a503c371128a5');
INSERT INTO "answer" VALUES(1,'INF-14','not_applicable','[]','','no GPUs anywhere','[]',1,'2026-11-25T22:43:11.640171+00:00','d24856dc36d3f00c45e8cbfd418f38ec73a786c78e0aa88cb14b77c1a74efecd');
INSERT INTO "answer" VALUES(2,'MON-03','unsure','[]','',NULL,'[]',1,'2026-11-25T22:43:11.644101+00:00','167540544d71ecd84a271f6cf0e7535c972cfff5af9622367ac3e852db5ec736');
CREATE TABLE assessment (
	"key" INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_assessment PRIMARY KEY ("key"), 
	CONSTRAINT uq_assessment_name UNIQUE (name)
);
INSERT INTO "assessment" VALUES(1,'checkout','2026-11-25T22:43:11.593649+00:00','2026-11-25T22:43:11.640171+00:00');
INSERT INTO "assessment" VALUES(2,'search','2026-11-25T22:43:11.644101+00:00','2026-11-25T22:43:11.644101+00:00');
CREATE TABLE fact (
	run_key INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	document TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_fact PRIMARY KEY (run_key, position), 
	CONSTRAINT fk_fact_run_key_run FOREIGN KEY(run_key) REFERENCES run ("key")
);
INSERT INTO "fact" VALUES(1,0,'load.capacity','{"name":"load.capacity","value":198.4,"low":193.0,"high":203.1,"unit":"1/s","state":"measured","at":"2026-03-01T10:00:40+00:00","source":{"probe":"load","run":"run-0001"}}','060c6a120ce1639eb8f0f140da208dbc8a7f4054a5ac5714b551b5bd148bb3c9');
CREATE TABLE histogram (
	run_key INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	response_sha256 VARCHAR(64) NOT NULL, 
	service_sha256 VARCHAR(64) NOT NULL, 
	response TEXT NOT NULL, 
	service TEXT NOT NULL, 
	CONSTRAINT pk_histogram PRIMARY KEY (run_key, position), 
	CONSTRAINT fk_histogram_run_key_position_step FOREIGN KEY(run_key, position) REFERENCES step (run_key, position)
);
INSERT INTO "histogram" VALUES(1,0,'1ef01bc2d5772f8ef9172caba8113948954d20b697de7f0579e37465151e3355','2b809b4e0ff1600108628b9605c8a74fd6f75a11841170076a5242eb5bb61c2c','response-histogram-of-step-0','service-histogram-of-step-0');
INSERT INTO "histogram" VALUES(1,1,'5048c64cb3c1c6b8e53e3e6caa033b40638291f3959bb745ebbae6e4bc0f32b4','ba82def4cc7524cc75b38958bdc8579ecc077e01288d70cc777f84782a9c1e5f','response-histogram-of-step-1','service-histogram-of-step-1');
CREATE TABLE note (
	run_key INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	t DOUBLE NOT NULL, 
	level TEXT NOT NULL, 
	text TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_note PRIMARY KEY (run_key, position), 
	CONSTRAINT fk_note_run_key_run FOREIGN KEY(run_key) REFERENCES run ("key")
);
INSERT INTO "note" VALUES(1,0,11.0,'info','the target was warm','f3775dd37f02b6e158e054b7d90780c5e136bd9cfbfb05cf05fb381a210cb29e');
CREATE TABLE run (
	"key" INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	assessment_key INTEGER, 
	status TEXT NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	target_address TEXT NOT NULL, 
	start_document TEXT NOT NULL, 
	target TEXT NOT NULL, 
	load TEXT NOT NULL, 
	owner_host TEXT NOT NULL, 
	owner_scope TEXT NOT NULL, 
	owner_pid INTEGER NOT NULL, 
	owner_started DOUBLE NOT NULL, 
	heartbeat VARCHAR(32) NOT NULL, 
	ended_at VARCHAR(32), 
	grade TEXT, 
	reason TEXT, 
	capacity_per_s DOUBLE, 
	capacity_low_per_s DOUBLE, 
	capacity_high_per_s DOUBLE, 
	p99_ms DOUBLE, 
	seconds DOUBLE, 
	second_count INTEGER NOT NULL, 
	step_count INTEGER NOT NULL, 
	fact_count INTEGER NOT NULL, 
	note_count INTEGER NOT NULL, 
	result_sha256 VARCHAR(64), 
	sha256 VARCHAR(64) NOT NULL, 
	result TEXT, 
	CONSTRAINT pk_run PRIMARY KEY ("key"), 
	CONSTRAINT uq_run_id UNIQUE (id), 
	CONSTRAINT fk_run_assessment_key_assessment FOREIGN KEY(assessment_key) REFERENCES assessment ("key")
);
INSERT INTO "run" VALUES(1,'run-0001',1,'completed','2026-03-01T10:00:00.000000+00:00','http://127.0.0.1:8000/predict','{"id":"run-0001","started_at":"2026-03-01T10:00:00+00:00","seed":7,"version":"0.1.0"}','{"kind":"http","address":"http://127.0.0.1:8000/predict","pids":[4242]}','{"mode":"open","rate":100}','build-7','boot-1',4242,1772359100.0,'2026-11-25T22:43:11.593649+00:00','2026-11-25T22:43:11.593649+00:00','valid',NULL,198.4,193.0,203.1,21.0,41.5,3,2,1,1,'df6dc2073a4c92ef62ca10028d2d20f0f137073019e81ebab2c8a0f57e05c367','ca75e284fac0745d4c3d8d4cd3d5fd7a7dfb23f706fef287cdc46982ce4b0239','{"schema":"loadstone.probe/1","run":{"id":"run-0001","status":"completed","grade":"valid","seconds":41.5,"reason":null},"capacity":{"rate_per_s":198.4,"low":193,"high":203.1},"steps":[{"mode":"open","offered_per_s":100,"response_ms":{"p99":20.0}},{"mode":"open","offered_per_s":100,"response_ms":{"p99":21.0}}],"facts":[{"name":"load.capacity","value":198.4,"low":193.0,"high":203.1,"unit":"1/s","state":"measured","at":"2026-03-01T10:00:40+00:00","source":{"probe":"load","run":"run-0001"}}]}');
INSERT INTO "run" VALUES(2,'run-0002',NULL,'interrupted','2026-03-01T10:00:00.000000+00:00','http://127.0.0.1:8000/predict','{"id":"run-0002","started_at":"2026-03-01T10:00:00+00:00","seed":7,"version":"0.1.0"}','{"kind":"http","address":"http://127.0.0.1:8000/predict","pids":[4242]}','{"mode":"open","rate":100}','build-7','boot-1',4242,1772359100.0,'2026-11-25T22:43:11.620755+00:00','2026-11-25T22:43:11.620755+00:00','insufficient','it ended before its result was there',NULL,NULL,NULL,NULL,0.0,1,0,0,0,NULL,'017a36e7bbcb92d3cd2275f2408a8d1720707b817f79f5e99e258f4009113059',NULL);
CREATE TABLE second (
	run_key INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	t DOUBLE NOT NULL, 
	step INTEGER NOT NULL, 
	offered_per_s DOUBLE, 
	achieved_per_s DOUBLE, 
	in_flight BIGINT, 
	waiting BIGINT, 
	ok BIGINT, 
	errors BIGINT, 
	timeouts BIGINT, 
	p50_ms DOUBLE, 
	p99_ms DOUBLE, 
	max_ms DOUBLE, 
	cpu_cores DOUBLE, 
	rss_bytes BIGINT, 
	client_cpu_cores DOUBLE, 
	sha256 VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_second PRIMARY KEY (run_key, position), 
	CONSTRAINT fk_second_run_key_run FOREIGN KEY(run_key) REFERENCES run ("key")
)
 WITHOUT ROWID

;
INSERT INTO "second" VALUES(1,0,0.0,0,100.0,99.5,3,0,99,1,0,4.25,NULL,21.0,0.75,5000000000,NULL,'e477aaff6a1af92393d41a3fd92e322d01cef069880dad2d892b32f7b011d054');
INSERT INTO "second" VALUES(1,1,1.0,0,100.0,99.5,3,0,99,1,0,4.25,NULL,21.0,0.75,5000000000,NULL,'c39e21e0c62c114faea0e6f6ae1078c408f3de06af19a02ff740174685987000');
INSERT INTO "second" VALUES(1,2,2.0,0,100.0,99.5,3,0,99,1,0,4.25,NULL,21.0,0.75,5000000000,NULL,'82d5bfc17b5e4dfe1315248b708be613469c8a273da5073aee40a14cd558a334');
INSERT INTO "second" VALUES(2,0,0.0,0,100.0,99.5,3,0,99,1,0,4.25,NULL,21.0,0.75,5000000000,NULL,'8baa66cc7b42468fae825cbba644104bbf977bc370ef6053278965e22c50e85a');
CREATE TABLE step (
	run_key INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	step_index INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_step PRIMARY KEY (run_key, position), 
	CONSTRAINT fk_step_run_key_run FOREIGN KEY(run_key) REFERENCES run ("key")
);
INSERT INTO "step" VALUES(1,0,0,'{"mode":"open","offered_per_s":100,"response_ms":{"p99":20.0}}','b74ac6b7e87554620f5d90dcd0597bb089d10e9a54000784956aa0a09febde62');
INSERT INTO "step" VALUES(1,1,1,'{"mode":"open","offered_per_s":100,"response_ms":{"p99":21.0}}','1e0b95e9095446da3d2ae89c5b564d77d16519abbdbfed24edd0a832fbc92fac');
CREATE INDEX ix_run_assessment_key ON run (assessment_key);
CREATE INDEX ix_run_started_at ON run (started_at);
CREATE INDEX ix_run_status ON run (status);
CREATE INDEX ix_fact_name ON fact (name);
COMMIT;
